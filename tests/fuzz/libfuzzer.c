/* SPDX-License-Identifier: Apache-2.0
 *
 * One target as a libFuzzer program; the build says which.
 */
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    GJ_FUZZ_TARGET(gj_slice_of(data, size));
    return 0;
}
