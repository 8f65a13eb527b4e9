-- SPDX-License-Identifier: Apache-2.0
--
-- The first form of a node's store. Every table and index is described once more in the program (the files
-- tables.def and tables.c of its rooms); a test compares both.
--
-- Amounts are fen. Dates are yyyymmdd in business time (UTC+08:00), 0 is none. Times in ms are Unix time,
-- except mono_ms. A transaction id is its text, coordinator/epoch/seq/attempt, '' is none. An empty text or
-- blob is "absent"; no column is ever NULL. A digest is one byte for its algorithm and 32 of hash. Blobs of
-- messages are the exact bytes that were received or sent.
--
-- A table with large blobs keeps its rowid, so that a search by key does not read past them. The others are
-- stored in their key's order. An index that is not unique ends with the key, because records with equal
-- columns are read in the key's order.

-- === The protocol: what this node has promised to others, and they to it =================================

-- This node, one row.
CREATE TABLE node (
    one        INTEGER NOT NULL CHECK (one = 1),
    store_id   BLOB    NOT NULL CHECK (length(store_id) = 16),
    nonce      BLOB    NOT NULL CHECK (length(nonce) = 16), -- of the present epoch
    node       TEXT    NOT NULL,
    boot_epoch INTEGER NOT NULL CHECK (boot_epoch >= 0),
    flush      INTEGER NOT NULL CHECK (flush >= 0), -- flushes of the present epoch
    next_seq   INTEGER NOT NULL CHECK (next_seq >= 0),
    resync     INTEGER NOT NULL CHECK (resync IN (0, 1)),
    PRIMARY KEY (one)
) STRICT, WITHOUT ROWID;

-- My past epochs and the last flush of each that this store holds, or that a RESYNC has made good.
CREATE TABLE epoch (
    epoch       INTEGER NOT NULL CHECK (epoch >= 1),
    flush       INTEGER NOT NULL CHECK (flush >= 0),
    next_seq    INTEGER NOT NULL CHECK (next_seq >= 0), -- of our transactions, as this store knew it
    lost        INTEGER NOT NULL CHECK (lost IN (0, 1)), -- peers have seen more of it than this store held
    highest_seq INTEGER NOT NULL CHECK (highest_seq >= 0), -- of those that a RESYNC brought back
    adopted     INTEGER NOT NULL CHECK (adopted >= 0), -- how many it brought back
    PRIMARY KEY (epoch)
) STRICT, WITHOUT ROWID;

-- The highest flush seen of a peer, per epoch of his; and the nonce of his HELLO.
CREATE TABLE peer (
    node  TEXT    NOT NULL,
    epoch INTEGER NOT NULL CHECK (epoch >= 1),
    nonce BLOB    NOT NULL CHECK (length(nonce) = 16), -- zero: no HELLO of that epoch was heard
    flush INTEGER NOT NULL CHECK (flush >= 0),
    proof BLOB    NOT NULL, -- that flush under his signature, to show him if he forgets it
    PRIMARY KEY (node, epoch)
) STRICT, WITHOUT ROWID;

-- A client's request, by its biz key.
CREATE TABLE request (
    sender     TEXT    NOT NULL,
    msgid      TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    body_mac   BLOB    NOT NULL CHECK (length(body_mac) = 32),
    state      TEXT    NOT NULL CHECK (state IN ('OPEN', 'DONE', 'REFUSED')),
    reversal   TEXT    NOT NULL CHECK (reversal IN ('', 'reversing', 'reversed')),
    epoch      INTEGER NOT NULL CHECK (epoch >= 0), -- in which it was opened or resumed
    opened_ms  INTEGER NOT NULL CHECK (opened_ms >= 0),
    txid       TEXT    NOT NULL, -- the running or the last attempt
    result_ref TEXT    NOT NULL,
    code       TEXT    NOT NULL,
    rule       TEXT    NOT NULL,
    answer     BLOB    NOT NULL,
    PRIMARY KEY (sender, msgid)
) STRICT;
CREATE INDEX request_by_state ON request (state, opened_ms, sender, msgid);

-- A transaction that this node coordinates.
CREATE TABLE coord (
    txid           TEXT    NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('BEGUN', 'COMMITTED', 'ABORTED', 'ENDED')),
    digest         BLOB    NOT NULL CHECK (length(digest) = 33),
    sender         TEXT    NOT NULL,
    msgid          TEXT    NOT NULL,
    epoch          INTEGER NOT NULL CHECK (epoch >= 1),
    core           BLOB    NOT NULL,
    legs           BLOB    NOT NULL, -- prepare_legs with every leg's detail
    supersedes     BLOB    NOT NULL,
    facts          BLOB    NOT NULL, -- vote_facts of our own legs
    all_details_to TEXT    NOT NULL, -- the node that gets every leg's detail
    reason         TEXT    NOT NULL,
    begun_ms       INTEGER NOT NULL CHECK (begun_ms >= 0),
    PRIMARY KEY (txid)
) STRICT;
CREATE INDEX coord_by_state ON coord (state, txid);
CREATE INDEX coord_by_biz ON coord (sender, msgid, txid);

-- One participant of it: its vote and its acknowledgement.
CREATE TABLE vote (
    txid     TEXT    NOT NULL,
    node     TEXT    NOT NULL,
    vote     TEXT    NOT NULL CHECK (vote IN ('-', 'YES', 'NO')),
    acked    INTEGER NOT NULL CHECK (acked IN (0, 1)),
    evidence BLOB    NOT NULL,
    facts    BLOB    NOT NULL, -- vote_facts body
    PRIMARY KEY (txid, node)
) STRICT;

-- A transaction in which this node takes part.
CREATE TABLE part (
    txid          TEXT    NOT NULL,
    state         TEXT    NOT NULL
        CHECK (state IN ('PREPARING', 'PREPARED', 'REFUSED', 'ABORTED', 'COMMITTED', 'RESOLVED')),
    digest        BLOB    NOT NULL CHECK (length(digest) = 33),
    kind          TEXT    NOT NULL,
    sender        TEXT    NOT NULL,
    msgid         TEXT    NOT NULL,
    biz_live      TEXT    NOT NULL, -- sender|msgid while PREPARED, RESOLVED or COMMITTED, else ''
    core_evidence BLOB    NOT NULL, -- the coordinator's signed core message
    legs          BLOB    NOT NULL, -- prepare_legs body as received
    class         TEXT    NOT NULL, -- of a NO
    rule          TEXT    NOT NULL,
    code          TEXT    NOT NULL,
    facts         BLOB    NOT NULL,
    proof         BLOB    NOT NULL, -- the signed commit, abort or NO that decided it
    since_ms      INTEGER NOT NULL CHECK (since_ms >= 0),
    PRIMARY KEY (txid)
) STRICT;
CREATE INDEX part_by_state ON part (state, since_ms, txid);
CREATE INDEX part_by_biz ON part (biz_live, txid);

-- What people decided by hand about a transaction that is PREPARED here. It counts when a second person has confirmed.
CREATE TABLE resolution (
    txid         TEXT    NOT NULL,
    outcome      TEXT    NOT NULL CHECK (outcome IN ('commit', 'abort')),
    reason       TEXT    NOT NULL,
    evidence     TEXT    NOT NULL, -- what it rests on, in words
    proposed_by  TEXT    NOT NULL,
    proposed_ms  INTEGER NOT NULL CHECK (proposed_ms >= 0),
    confirmed_by TEXT    NOT NULL CHECK (confirmed_by <> proposed_by), -- '' proposed only
    confirmed_ms INTEGER NOT NULL CHECK (confirmed_ms >= 0),
    truth        TEXT    NOT NULL CHECK (truth IN ('', 'COMMITTED', 'ABORTED')),
    PRIMARY KEY (txid)
) STRICT, WITHOUT ROWID;

-- Something that people must settle: two words of one node, or a decision by hand that the truth contradicted.
CREATE TABLE case_file (
    case_id        TEXT    NOT NULL,
    what           TEXT    NOT NULL,
    txid           TEXT    NOT NULL,
    node           TEXT    NOT NULL, -- whose words they are, or whom it is about
    opened_ms      INTEGER NOT NULL CHECK (opened_ms >= 0),
    difference_fen INTEGER NOT NULL, -- what the region's difference account gave or took
    first          BLOB    NOT NULL, -- signed messages
    second         BLOB    NOT NULL,
    PRIMARY KEY (case_id)
) STRICT;
CREATE INDEX case_file_by_time ON case_file (opened_ms, case_id);

-- Of one epoch of a coordinator: no transaction up to this one without a record here is unknown, it was collected.
CREATE TABLE collected (
    coordinator TEXT    NOT NULL,
    epoch       INTEGER NOT NULL CHECK (epoch >= 1),
    seq         INTEGER NOT NULL CHECK (seq >= 0),
    PRIMARY KEY (coordinator, epoch)
) STRICT, WITHOUT ROWID;

-- RESYNC: what is still owed by each peer. The rows outlive it for a peer without which people opened this node.
CREATE TABLE resync (
    node   TEXT    NOT NULL,
    done   INTEGER NOT NULL CHECK (done IN (0, 1)), -- it has replayed all that it knows
    missed INTEGER NOT NULL CHECK (missed IN (0, 1)), -- people decided not to wait for it
    PRIMARY KEY (node)
) STRICT, WITHOUT ROWID;

-- RESYNC: an operator who wants to open without these nodes. Two who want the same open it.
CREATE TABLE opening (
    operator TEXT    NOT NULL,
    without  TEXT    NOT NULL, -- their names, in the registry's order
    at_ms    INTEGER NOT NULL CHECK (at_ms >= 0),
    PRIMARY KEY (operator)
) STRICT, WITHOUT ROWID;

-- A transaction that a peer has proven and that is not in our records yet: what is known of it so far.
CREATE TABLE replayed (
    txid          TEXT    NOT NULL,
    state         TEXT    NOT NULL CHECK (state IN ('COMMITTED', 'PREPARED', 'BEGUN')),
    digest        BLOB    NOT NULL CHECK (length(digest) = 33),
    core          BLOB    NOT NULL,
    core_evidence BLOB    NOT NULL,
    proof         BLOB    NOT NULL, -- the signed commit
    legs          BLOB    NOT NULL, -- prepare_legs with the details that came so far
    facts         BLOB    NOT NULL,
    ended_by      TEXT    NOT NULL, -- the binding that it makes has ended since
    ended_date    INTEGER NOT NULL CHECK (ended_date >= 0),
    reported      INTEGER NOT NULL CHECK (reported IN (0, 1)), -- a case was opened: its details are nowhere
    PRIMARY KEY (txid)
) STRICT;


-- === The domain: people, accounts, the journal, relations; requests and their answers ====================

-- An insured person of one of this node's regions.
CREATE TABLE person (
    person_ref     TEXT    NOT NULL,
    token          BLOB    NOT NULL CHECK (length(token) = 32), -- of type and number
    region         TEXT    NOT NULL,
    name_token     BLOB    NOT NULL CHECK (length(name_token) = 32),
    insutype       TEXT    NOT NULL,
    psn_type       TEXT    NOT NULL,
    psn_insu_stas  TEXT    NOT NULL,
    account_status TEXT    NOT NULL
        CHECK (account_status IN ('normal', 'frozen', 'pending_liquidation', 'liquidated')),
    has_account    INTEGER NOT NULL CHECK (has_account IN (0, 1)),
    masked         TEXT    NOT NULL,
    name_masked    TEXT    NOT NULL,
    card_token     TEXT    NOT NULL,
    sealed         BLOB    NOT NULL,
    PRIMARY KEY (person_ref)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX person_by_token ON person (token, region);

-- An account of the ledger; its name is explained in books.h. Available is balance less held.
CREATE TABLE account (
    account     TEXT    NOT NULL,
    balance_fen INTEGER NOT NULL,
    held_fen    INTEGER NOT NULL CHECK (held_fen >= 0),
    PRIMARY KEY (account)
) STRICT, WITHOUT ROWID;

-- What an undecided money leg of this node has fixed: a draw holds money, a refund only names where to.
CREATE TABLE hold (
    txid        TEXT    NOT NULL,
    leg         INTEGER NOT NULL CHECK (leg >= 0),
    type        TEXT    NOT NULL CHECK (type IN ('draw', 'refund')),
    account     TEXT    NOT NULL,
    amount_fen  INTEGER NOT NULL CHECK (amount_fen >= 0),
    person_ref  TEXT    NOT NULL, -- whose account it is
    binding_ref TEXT    NOT NULL, -- empty: the person's own use
    year        INTEGER NOT NULL CHECK (year >= 0), -- in which a relative's draw counts for the annual cap
    PRIMARY KEY (txid, leg)
) STRICT, WITHOUT ROWID;
CREATE INDEX hold_by_account ON hold (account, txid, leg);
CREATE INDEX hold_by_person ON hold (person_ref, year, txid, leg);

-- The journal: appended to, never changed. The lines of one entry sum to zero.
CREATE TABLE posting (
    entry      TEXT    NOT NULL, -- "<txid>#03", "<txid>#03d", "<txid>#03m", "open/<account>"
    line       INTEGER NOT NULL CHECK (line >= 0),
    account    TEXT    NOT NULL,
    amount_fen INTEGER NOT NULL,
    date       INTEGER NOT NULL CHECK (date >= 0), -- business date; 0 for opening entries
    kind       TEXT    NOT NULL CHECK (kind IN ('opening', 'settle', 'refund', 'mirror')),
    txid       TEXT    NOT NULL,
    leg        INTEGER NOT NULL CHECK (leg >= 0),
    PRIMARY KEY (entry, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX posting_by_account ON posting (account, entry, line);
CREATE INDEX posting_by_txid ON posting (txid, entry, line);

-- One side of a relation between a payer and a recipient; both sides where both live here.
CREATE TABLE binding (
    binding_id       TEXT    NOT NULL,
    -- payer, recipient: which of them lives here
    side             TEXT    NOT NULL CHECK (side IN ('payer', 'recipient')),
    person_ref       TEXT    NOT NULL, -- of that side
    other_person_ref TEXT    NOT NULL,
    state            TEXT    NOT NULL CHECK (state IN ('pending', 'active', 'ended')),
    position         INTEGER NOT NULL CHECK (position >= 0), -- recipient's side: place in his order
    relation         TEXT    NOT NULL, -- what the recipient is to the payer
    payer_region     TEXT    NOT NULL,
    recipient_region TEXT    NOT NULL,
    payer_masked     TEXT    NOT NULL,
    txid             TEXT    NOT NULL, -- that made it
    begin_date       INTEGER NOT NULL CHECK (begin_date >= 0),
    end_date         INTEGER NOT NULL CHECK (end_date >= 0),
    ended_by         TEXT    NOT NULL CHECK (ended_by IN ('', 'payer', 'recipient')),
    consent_ref      TEXT    NOT NULL,
    evidence_ref     TEXT    NOT NULL,
    PRIMARY KEY (binding_id, side)
) STRICT, WITHOUT ROWID;
CREATE INDEX binding_by_order ON binding (side, person_ref, state, position, binding_id);
CREATE INDEX binding_by_pair ON binding (side, person_ref, other_person_ref, state, binding_id);

-- What relatives drew from a payer in a calendar year: prepared, plus committed, less refunds (R51).
CREATE TABLE usage (
    person_ref TEXT    NOT NULL,
    year       INTEGER NOT NULL CHECK (year >= 0),
    used_fen   INTEGER NOT NULL CHECK (used_fen >= 0),
    PRIMARY KEY (person_ref, year)
) STRICT, WITHOUT ROWID;

-- A committed draw of an account here, and what was refunded of it.
CREATE TABLE paid (
    txid                TEXT    NOT NULL,
    leg                 INTEGER NOT NULL CHECK (leg >= 0),
    account             TEXT    NOT NULL,
    person_ref          TEXT    NOT NULL,
    binding_ref         TEXT    NOT NULL, -- empty: the person's own use
    from_region         TEXT    NOT NULL, -- the payer's
    to_region           TEXT    NOT NULL, -- the place of care
    amount_fen          INTEGER NOT NULL CHECK (amount_fen >= 0),
    date                INTEGER NOT NULL CHECK (date >= 0),
    refund_prepared_fen INTEGER NOT NULL CHECK (refund_prepared_fen >= 0),
    refunded_fen        INTEGER NOT NULL CHECK (refunded_fen >= 0),
    PRIMARY KEY (txid, leg)
) STRICT, WITHOUT ROWID;
CREATE INDEX paid_by_person ON paid (person_ref, date, txid, leg);

-- At the patient's home: what he consumed in one committed settlement (R86).
CREATE TABLE consumption (
    txid                TEXT    NOT NULL,
    person_ref          TEXT    NOT NULL,
    setl_id             TEXT    NOT NULL,
    fixmedins_code      TEXT    NOT NULL,
    mdtrtarea_admvs     TEXT    NOT NULL,
    use                 TEXT    NOT NULL,
    date                INTEGER NOT NULL CHECK (date >= 0),
    medfee_sumamt       INTEGER NOT NULL CHECK (medfee_sumamt >= 0),
    fund_pay_sumamt     INTEGER NOT NULL CHECK (fund_pay_sumamt >= 0),
    psn_part_amt        INTEGER NOT NULL CHECK (psn_part_amt >= 0),
    acct_pay            INTEGER NOT NULL CHECK (acct_pay >= 0),
    acct_mulaid_pay     INTEGER NOT NULL CHECK (acct_mulaid_pay >= 0),
    refund_prepared_fen INTEGER NOT NULL CHECK (refund_prepared_fen >= 0),
    refunded_fen        INTEGER NOT NULL CHECK (refunded_fen >= 0),
    PRIMARY KEY (txid)
) STRICT, WITHOUT ROWID;
CREATE INDEX consumption_by_person ON consumption (person_ref, date, txid);

-- A designated institution of this node's regions.
CREATE TABLE institution (
    code      TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    open_from INTEGER NOT NULL CHECK (open_from >= 0),
    open_to   INTEGER NOT NULL CHECK (open_to >= 0), -- included; 0: open
    PRIMARY KEY (code)
) STRICT, WITHOUT ROWID;

-- A revocation that the other home has not acknowledged yet.
CREATE TABLE notice (
    binding_id    TEXT    NOT NULL,
    node          TEXT    NOT NULL, -- whom to tell
    "by"          TEXT    NOT NULL CHECK ("by" IN ('payer', 'recipient')),
    reason        TEXT    NOT NULL,
    business_date INTEGER NOT NULL CHECK (business_date >= 0),
    since_ms      INTEGER NOT NULL CHECK (since_ms >= 0),
    PRIMARY KEY (binding_id, node)
) STRICT, WITHOUT ROWID;

-- A committed settlement that this node coordinated: the place of care's record.
CREATE TABLE settlement (
    setl_id         TEXT    NOT NULL,
    txid            TEXT    NOT NULL,
    sender          TEXT    NOT NULL,
    msgid           TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('settled', 'reversing', 'reversed')),
    fixmedins_code  TEXT    NOT NULL,
    mdtrtarea_admvs TEXT    NOT NULL,
    insuplc_admdvs  TEXT    NOT NULL,
    home            TEXT    NOT NULL, -- node of the patient's region
    consume_leg     INTEGER NOT NULL CHECK (consume_leg >= 0), -- the home's record of the consumption
    person_ref      TEXT    NOT NULL,
    person_masked   TEXT    NOT NULL,
    use             TEXT    NOT NULL,
    business_date   INTEGER NOT NULL CHECK (business_date >= 0),
    medfee_sumamt   INTEGER NOT NULL CHECK (medfee_sumamt >= 0),
    fund_pay_sumamt INTEGER NOT NULL CHECK (fund_pay_sumamt >= 0),
    psn_part_amt    INTEGER NOT NULL CHECK (psn_part_amt >= 0),
    acct_pay        INTEGER NOT NULL CHECK (acct_pay >= 0),
    acct_mulaid_pay INTEGER NOT NULL CHECK (acct_mulaid_pay >= 0),
    refunded_fen    INTEGER NOT NULL CHECK (refunded_fen >= 0), -- committed refunds, at most acct_pay
    explain         BLOB    NOT NULL, -- explain_list
    PRIMARY KEY (setl_id)
) STRICT;
CREATE INDEX settlement_by_state ON settlement (state, setl_id);

-- One drawn source of it, by its leg of the transaction: drawn in this order, refunded from the last.
CREATE TABLE settlement_leg (
    setl_id      TEXT    NOT NULL,
    leg          INTEGER NOT NULL CHECK (leg >= 0),
    payer        TEXT    NOT NULL CHECK (payer IN ('self', 'relative')),
    node         TEXT    NOT NULL,
    region       TEXT    NOT NULL,
    account      TEXT    NOT NULL,
    amount_fen   INTEGER NOT NULL CHECK (amount_fen >= 0),
    refunded_fen INTEGER NOT NULL CHECK (refunded_fen >= 0),
    binding_id   TEXT    NOT NULL,
    relation     TEXT    NOT NULL,
    payer_masked TEXT    NOT NULL,
    PRIMARY KEY (setl_id, leg)
) STRICT, WITHOUT ROWID;

-- A committed refund.
CREATE TABLE refund (
    refund_id     TEXT    NOT NULL,
    setl_id       TEXT    NOT NULL,
    txid          TEXT    NOT NULL,
    sender        TEXT    NOT NULL,
    msgid         TEXT    NOT NULL, -- "rev:..." if a reversal made it
    business_date INTEGER NOT NULL CHECK (business_date >= 0),
    amount        INTEGER NOT NULL CHECK (amount >= 0),
    remaining     INTEGER NOT NULL CHECK (remaining >= 0), -- of acct_pay, after this refund
    reason        TEXT    NOT NULL,
    payees        BLOB    NOT NULL, -- payee_list
    PRIMARY KEY (refund_id)
) STRICT;
CREATE INDEX refund_by_settlement ON refund (setl_id, refund_id);

-- A plan that a client may settle: the bill's digest, the home's answer as it came, what the payers' nodes
-- said. The legs follow from these three.
CREATE TABLE plan (
    plan_id          TEXT    NOT NULL,
    sender           TEXT    NOT NULL,
    expires_ms       INTEGER NOT NULL CHECK (expires_ms >= 0),
    bill_mac         BLOB    NOT NULL CHECK (length(bill_mac) = 32), -- keyed: the bill itself is not kept
    fixmedins_code   TEXT    NOT NULL,
    mdtrtarea_admvs  TEXT    NOT NULL,
    insuplc_admdvs   TEXT    NOT NULL,
    use              TEXT    NOT NULL,
    business_date    INTEGER NOT NULL CHECK (business_date >= 0),
    medfee_sumamt    INTEGER NOT NULL CHECK (medfee_sumamt >= 0),
    fund_pay_sumamt  INTEGER NOT NULL CHECK (fund_pay_sumamt >= 0),
    psn_part_amt     INTEGER NOT NULL CHECK (psn_part_amt >= 0),
    acct_payable_amt INTEGER NOT NULL CHECK (acct_payable_amt >= 0),
    -- home: a bare plan_answer; else signed evidence
    home_local       INTEGER NOT NULL CHECK (home_local IN (0, 1)),
    home             BLOB    NOT NULL,
    covers           BLOB    NOT NULL, -- plan_covers
    PRIMARY KEY (plan_id)
) STRICT;
CREATE INDEX plan_by_expiry ON plan (expires_ms, plan_id);

-- A binding that this node coordinated, whether or not one of the two lives here.
CREATE TABLE bound (
    binding_id       TEXT    NOT NULL,
    txid             TEXT    NOT NULL,
    sender           TEXT    NOT NULL,
    msgid            TEXT    NOT NULL,
    state            TEXT    NOT NULL CHECK (state IN ('bound', 'reversing', 'reversed')),
    relation         TEXT    NOT NULL,
    payer_region     TEXT    NOT NULL,
    recipient_region TEXT    NOT NULL,
    begin_date       INTEGER NOT NULL CHECK (begin_date >= 0),
    PRIMARY KEY (binding_id)
) STRICT, WITHOUT ROWID;


-- === The store itself ====================================================================================

-- One flush: the inputs of the batch that it made durable, written in the same store transaction.
CREATE TABLE batch (
    epoch   INTEGER NOT NULL CHECK (epoch >= 1),
    flush   INTEGER NOT NULL CHECK (flush >= 0),
    wall_ms INTEGER NOT NULL CHECK (wall_ms >= 0),
    mono_ms INTEGER NOT NULL CHECK (mono_ms >= 0),
    inputs  BLOB    NOT NULL, -- sealed under the data key; empty if inputs are not kept
    PRIMARY KEY (epoch, flush)
) STRICT;
