/* SPDX-License-Identifier: Apache-2.0
 *
 * Every limit of the gateway that more than one room must agree on. At a limit there is an
 * error and a counter, never silence.
 */
#ifndef GJ_BASE_LIMITS_H
#define GJ_BASE_LIMITS_H

/* --- identifiers (characters without the final NUL) ----------------------------------------------------- */
#define GJ_NODE_MAX       16 /* a node's name in the registry */
#define GJ_REGION_MAX     6  /* admdvs, six digits */
#define GJ_SENDER_MAX     40 /* fixmedins_code or node/channel */
#define GJ_MSGID_MAX      40 /* the sender's message id, opaque */
#define GJ_REF_MAX        48 /* opaque references: person, binding, plan, settlement */
#define GJ_RULE_MAX       8  /* "R51" */
#define GJ_CODE_MAX       24 /* gj_err_name() of a refusal */
#define GJ_CERTNO_MAX     50
#define GJ_CARD_TOKEN_MAX 64  /* hexadecimal of a keyed hash */
#define GJ_NAME_MAX       150 /* psn_name: 50 characters, three bytes each */
#define GJ_REASON_MAX     200
#define GJ_WORD_MAX       24  /* a word out of a closed list: use, relation, draw, purpose */

/* --- one transaction ------------------------------------------------------------------------------------ */
#define GJ_LEGS_MAX         24
#define GJ_PARTICIPANTS_MAX 12
#define GJ_SOURCES_MAX      16 /* payers that one plan looks at */
#define GJ_SUPERSEDES_MAX   16 /* earlier attempts of a biz_key that PREPARE names */
#define GJ_ATTEMPTS_MAX     3  /* plans that one settlement may need before it is refused */
#define GJ_RESOLUTION_EVIDENCE_MAX 500 /* a person's words about what a decision by hand rests on */

/* --- retention ------------------------------------------------------------------------------------------ */
/* Records of decided transactions are kept like the vouchers of the accounts they moved: thirty years (Measures for
 * the Administration of Accounting Archives, 2015, annex 1). No node may keep less than the minimum, and no
 * coordinator undoes what is older, so that whoever took part still has its record then. */
#define GJ_RETENTION_YEARS        30
#define GJ_RETENTION_YEARS_MIN    5
#define GJ_RETENTION_YEARS_MAX    100
#define GJ_REFUND_HORIZON_DAYS    (365 * GJ_RETENTION_YEARS_MIN)
#define GJ_YEAR_MS                INT64_C(31622400000) /* of 366 days: a retention never falls short */
#define GJ_COLLECT_EVERY_MS       3600000
#define GJ_COLLECT_AGAIN_MS       1000 /* while there is more to collect */
#define GJ_COLLECT_PER_TICK       64u
#define GJ_CASES_LISTED           100u

/* --- wire ----------------------------------------------------------------------------------------------- */
#define GJ_MESSAGE_MAX         65536u
#define GJ_PARCEL_MAX          1048576u
#define GJ_BATCH_LEAVES_MAX    4096u
#define GJ_PARCEL_MESSAGES_MAX 1024u
#define GJ_PATH_MAX            12 /* log2(GJ_BATCH_LEAVES_MAX) */
#define GJ_EVIDENCE_MAX        32768u
/* a YES inside a longer inquiry is not kept: the vote is asked for again */
#define GJ_VOTE_EVIDENCE_MAX  1536u
#define GJ_MSGPACK_DEPTH_MAX  8
#define GJ_INQUIRE_ITEMS_MAX  128
#define GJ_EPOCHS_MAX         256 /* epochs a HELLO lists, newest first */
#define GJ_FLUSH_PROOF_MAX    224 /* signed bytes of a batch and the signature behind them */
#define GJ_WELCOME_PROOFS_MAX 64  /* claims in a WELCOME that carry one */
#define GJ_REPLAY_AT_MAX      128 /* the place of a replay, as the asked node writes it */

/* --- node ----------------------------------------------------------------------------------------------- */
#define GJ_NODES_MAX             64
#define GJ_REGIONS_MAX           1024
#define GJ_OPENING_MAX           1088 /* GJ_NODES_MAX names and a space behind each */
#define GJ_REPLAY_WINDOW         8192u /* message ids remembered per sender, a power of two */
#define GJ_ACTIVE_TX_MAX         8192u /* undecided or unacknowledged transactions with a timer */
#define GJ_IN_DOUBT_PER_NODE_MAX 1024u /* of them, undecided ones of one coordinator: it must not take all */
#define GJ_SESSIONS_MAX          1024u /* requests of clients under way */
#define GJ_BATCH_INPUTS_MAX      512u
#define GJ_BATCH_OUT_MAX         4096u
#define GJ_REQUEST_MAX           65536u

/* --- times ---------------------------------------------------------------------------------------------- */
#define GJ_CLOCK_WINDOW_MS        30000 /* new work older or newer than this is refused */
#define GJ_PREPARE_RESEND_MS      400   /* then times 1.5 */
#define GJ_VOTE_DEADLINE_MS       3000
#define GJ_PREPARE_EXPIRY_MS      10000
#define GJ_INQUIRE_FIRST_MS       5000 /* after YES, doubling */
#define GJ_INQUIRE_MAX_MS         60000
#define GJ_INQUIRE_PEERS_FROM_TRY 3
#define GJ_INQUIRE_PER_PEER_PER_S 50
#define GJ_COMMIT_RESEND_MS       1000 /* doubling */
#define GJ_COMMIT_RESEND_MAX_MS   60000
#define GJ_IN_DOUBT_ALARM_MS      300000
#define GJ_PLAN_ANSWER_MS         1000 /* a home or a payer that does not answer within it is unreachable */
#define GJ_PLAN_LIFE_MS           300000
#define GJ_HELLO_RESEND_MS        1000
#define GJ_EPOCH_AHEAD_MAX_S      86400 /* a peer's epoch is a time: one further in the future is refused */
#define GJ_HURRY_WINDOW_MS        10000 /* one peer's greetings make all that waits due at most ... */
#define GJ_HURRY_PER_WINDOW       3     /* ... so often within it */
#define GJ_REPLAY_RESEND_MS       1000  /* a replay that does not go on is asked for again */
#define GJ_REVOKE_RESEND_MS       2000  /* doubling, up to GJ_COMMIT_RESEND_MAX_MS */

#endif
