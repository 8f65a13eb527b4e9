/* SPDX-License-Identifier: Apache-2.0
 *
 * How many places an n-th failure loop goes on at a time: the sanitizers look at code, not at luck, and take fewer.
 */
#ifndef GJ_TESTS_SCENARIO_NTH_STRIDE_H
#define GJ_TESTS_SCENARIO_NTH_STRIDE_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NTH_STRIDE 9
#else
#define NTH_STRIDE 1
#endif

#endif
