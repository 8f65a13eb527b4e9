/* SPDX-License-Identifier: Apache-2.0
 *
 * The net room over real sockets on loopback: who gets a session, what gets through, what is dropped.
 * Waiting is always for a condition, with a generous limit; no test measures time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "net/net.h"

#define PATIENCE_MS 30000

struct key_pair {
    char public_key[GJ_CURVE_TEXT + 1], secret_key[GJ_CURVE_TEXT + 1];
};

/* What arrived at one node. */
struct inbox {
    pthread_mutex_t mutex;
    uint64_t frames, bytes, wrong;
    uint64_t next; /* of the numbered frames: the one that must come next */
    char line[GJ_NODE_MAX + 1];
    bool full;
};

static struct key_pair alice_key, bob_key, stranger_key;
static char alice_at[64], bob_at[64];

/* A port that nobody uses now. */
static void free_endpoint(char ret[64]) {
    void *zmq = zmq_ctx_new();
    void *socket = zmq_socket(zmq, ZMQ_PAIR);
    assert_int_equal(zmq_bind(socket, "tcp://127.0.0.1:*"), 0);
    size_t len = 64;
    assert_int_equal(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, ret, &len), 0);
    (void)zmq_close(socket);
    (void)zmq_ctx_term(zmq);
}

static int setup(void **state) {
    (void)state;
    struct key_pair *pairs[] = {&alice_key, &bob_key, &stranger_key};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(gj_curve_generate(pairs[i]->public_key, pairs[i]->secret_key), GJ_OK);
    free_endpoint(alice_at);
    do
        free_endpoint(bob_at);
    while (strcmp(alice_at, bob_at) == 0);
    return 0;
}

/* A frame is its number and bytes that follow from it. A frame that send_until() repeated counts once. */
static void look_at(struct inbox *inbox, const char *line, struct gj_slice frame) {
    uint64_t number = UINT64_MAX;
    if (frame.len >= sizeof number) memcpy(&number, frame.ptr, sizeof number);
    if (number < inbox->next) return;
    inbox->frames++;
    inbox->bytes += frame.len;
    (void)snprintf(inbox->line, sizeof inbox->line, "%s", line);
    if (number != inbox->next) inbox->wrong++;
    for (size_t i = sizeof number; i < frame.len; i++)
        if (frame.ptr[i] != (uint8_t)(number + i)) inbox->wrong++;
    inbox->next++;
}

static bool receive(void *ctx, const char *line, struct gj_slice frame) {
    struct inbox *inbox = ctx;
    (void)pthread_mutex_lock(&inbox->mutex);
    bool taken = !inbox->full;
    if (taken) look_at(inbox, line, frame);
    (void)pthread_mutex_unlock(&inbox->mutex);
    return taken;
}

static uint64_t frames_of(struct inbox *inbox) {
    (void)pthread_mutex_lock(&inbox->mutex);
    uint64_t frames = inbox->frames;
    (void)pthread_mutex_unlock(&inbox->mutex);
    return frames;
}

static void rest(void) {
    struct timespec pause = {.tv_nsec = 2000000};
    (void)nanosleep(&pause, NULL);
}

static int64_t clock_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct gj_net *open_node(const char *self, const char *listen, const struct key_pair *key,
                                const char *peer, const char *peer_at, const struct key_pair *peer_key,
                                struct inbox *inbox) {
    struct gj_net_peer line = {0};
    (void)snprintf(line.node, sizeof line.node, "%s", peer);
    (void)snprintf(line.endpoint, sizeof line.endpoint, "%s", peer_at);
    (void)snprintf(line.curve_public, sizeof line.curve_public, "%s", peer_key->public_key);
    struct gj_net_config config = {.listen = listen,
                                   .curve_public = key->public_key,
                                   .curve_secret = key->secret_key,
                                   .self = self,
                                   .peers = &line,
                                   .n_peers = 1,
                                   .ctx = inbox,
                                   .receive = receive};
    struct gj_net *net = NULL;
    char detail[200];
    enum gj_err err = GJ_ERR_IO;
    /* The port may still be in the hands of a node that was closed a moment ago. */
    for (int64_t until = clock_ms() + PATIENCE_MS; err == GJ_ERR_IO && clock_ms() < until; rest())
        err = gj_net_open(&config, &net, detail);
    if (err != GJ_OK) print_error("%s\n", detail);
    assert_int_equal(err, GJ_OK);
    return net;
}

static struct gj_net *open_alice(struct inbox *inbox) {
    return open_node("alice", alice_at, &alice_key, "bob", bob_at, &bob_key, inbox);
}

static struct gj_net *open_bob(struct inbox *inbox) {
    return open_node("bob", bob_at, &bob_key, "alice", alice_at, &alice_key, inbox);
}

static void init_inbox(struct inbox *inbox) {
    memset(inbox, 0, sizeof *inbox);
    (void)pthread_mutex_init(&inbox->mutex, NULL);
}

static size_t numbered(uint8_t *frame, uint64_t number, size_t len) {
    memcpy(frame, &number, sizeof number);
    for (size_t i = sizeof number; i < len; i++)
        frame[i] = (uint8_t)(number + i);
    return len;
}

/* Sends frame |number| again and again until |inbox| has |want| frames; false when patience ends. */
static bool send_until(struct gj_net *from, const char *to, struct inbox *inbox, uint64_t want) {
    uint8_t frame[64];
    for (int64_t until = clock_ms() + PATIENCE_MS; clock_ms() < until; rest()) {
        if (frames_of(inbox) >= want) return true;
        size_t len = numbered(frame, frames_of(inbox), sizeof frame);
        gj_net_send(from, to, gj_slice_of(frame, len));
        for (int i = 0; i < 50 && frames_of(inbox) < want; i++)
            rest();
    }
    return false;
}

/* A DEALER of the test's own, with any key, towards alice. */
static void *raw_dealer(void *zmq, const struct key_pair *key) {
    void *dealer = zmq_socket(zmq, ZMQ_DEALER);
    int linger = 0, timeout = 500;
    assert_int_equal(zmq_setsockopt(dealer, ZMQ_LINGER, &linger, sizeof linger), 0);
    assert_int_equal(zmq_setsockopt(dealer, ZMQ_SNDTIMEO, &timeout, sizeof timeout), 0);
    if (key != NULL) {
        assert_int_equal(zmq_setsockopt(dealer, ZMQ_CURVE_SERVERKEY, alice_key.public_key, 40), 0);
        assert_int_equal(zmq_setsockopt(dealer, ZMQ_CURVE_PUBLICKEY, key->public_key, 40), 0);
        assert_int_equal(zmq_setsockopt(dealer, ZMQ_CURVE_SECRETKEY, key->secret_key, 40), 0);
    }
    assert_int_equal(zmq_connect(dealer, alice_at), 0);
    return dealer;
}

static struct gj_net_counts counts_of(struct gj_net *net) {
    struct gj_net_counts counts;
    gj_net_counts_of(net, &counts);
    return counts;
}

static void test_right_key_gets_through_with_its_line(void **state) {
    (void)state;
    struct inbox at_alice, at_bob;
    init_inbox(&at_alice);
    init_inbox(&at_bob);
    struct gj_net *alice = open_alice(&at_alice), *bob = open_bob(&at_bob);
    assert_true(send_until(bob, "alice", &at_alice, 1));
    assert_true(send_until(alice, "bob", &at_bob, 1));
    assert_string_equal(at_alice.line, "bob");
    assert_string_equal(at_bob.line, "alice");
    assert_int_equal(at_alice.wrong, 0);
    assert_int_equal(counts_of(alice).refused_zap, 0);
    gj_net_close(&bob);
    gj_net_close(&alice);
    assert_null(alice);
}

static void test_unknown_key_gets_no_session(void **state) {
    (void)state;
    struct inbox at_alice;
    init_inbox(&at_alice);
    struct gj_net *alice = open_alice(&at_alice);
    void *zmq = zmq_ctx_new();
    void *stranger = raw_dealer(zmq, &stranger_key);
    (void)zmq_send(stranger, "hello", 5, 0);
    for (int64_t until = clock_ms() + PATIENCE_MS; counts_of(alice).refused_zap == 0 && clock_ms() < until;)
        rest();
    assert_true(counts_of(alice).refused_zap > 0);

    /* Without CURVE there is no question to ask: the handshake itself fails. */
    void *plain = raw_dealer(zmq, NULL);
    (void)zmq_send(plain, "hello", 5, 0);

    /* The known key gets in while both knock; nothing of theirs arrived. */
    struct inbox at_bob;
    init_inbox(&at_bob);
    struct gj_net *bob = open_bob(&at_bob);
    assert_true(send_until(bob, "alice", &at_alice, 1));
    assert_int_equal(at_alice.wrong, 0);
    assert_string_equal(at_alice.line, "bob");
    (void)zmq_close(stranger);
    (void)zmq_close(plain);
    (void)zmq_ctx_term(zmq);
    gj_net_close(&bob);
    gj_net_close(&alice);
}

static void test_two_frames_are_dropped_and_counted(void **state) {
    (void)state;
    struct inbox at_alice;
    init_inbox(&at_alice);
    struct gj_net *alice = open_alice(&at_alice);
    void *zmq = zmq_ctx_new();
    void *bob = raw_dealer(zmq, &bob_key);
    uint8_t frame[16];
    size_t len = numbered(frame, 0, sizeof frame);
    for (int i = 0; i < 3; i++) {
        assert_true(zmq_send(bob, "one", 3, ZMQ_SNDMORE) >= 0);
        assert_true(zmq_send(bob, "two", 3, ZMQ_SNDMORE) >= 0);
        assert_true(zmq_send(bob, "three", 5, 0) >= 0);
    }
    assert_true(zmq_send(bob, frame, len, 0) >= 0);
    for (int64_t until = clock_ms() + PATIENCE_MS; frames_of(&at_alice) == 0 && clock_ms() < until;)
        rest();
    assert_int_equal(frames_of(&at_alice), 1);
    assert_int_equal(at_alice.wrong, 0);
    assert_int_equal(counts_of(alice).refused_extra_frames, 3);
    (void)zmq_close(bob);
    (void)zmq_ctx_term(zmq);
    gj_net_close(&alice);
}

static void test_frame_limit_is_exact(void **state) {
    (void)state;
    struct inbox at_alice;
    init_inbox(&at_alice);
    struct gj_net *alice = open_alice(&at_alice);
    uint8_t *frame = malloc(2 * GJ_PARCEL_MAX);
    assert_non_null(frame);
    void *zmq = zmq_ctx_new();
    void *bob = raw_dealer(zmq, &bob_key);
    /* One byte above: passes libzmq's limit of the encrypted frame, not ours. The limit itself: passes. */
    size_t len = numbered(frame, 0, GJ_PARCEL_MAX + 1);
    assert_true(zmq_send(bob, frame, len, 0) >= 0);
    assert_true(zmq_send(bob, frame, GJ_PARCEL_MAX, 0) >= 0);
    for (int64_t until = clock_ms() + PATIENCE_MS; frames_of(&at_alice) == 0 && clock_ms() < until;)
        rest();
    assert_int_equal(frames_of(&at_alice), 1);
    assert_int_equal(at_alice.bytes, GJ_PARCEL_MAX);
    assert_int_equal(at_alice.wrong, 0);
    assert_int_equal(counts_of(alice).refused_too_large, 1);

    /* Twice the limit: libzmq ends that connection without reading it; the line comes back by itself. */
    assert_true(zmq_send(bob, frame, 2 * GJ_PARCEL_MAX, 0) >= 0);
    for (int64_t until = clock_ms() + PATIENCE_MS; frames_of(&at_alice) == 1 && clock_ms() < until; rest()) {
        len = numbered(frame, 1, 16);
        (void)zmq_send(bob, frame, len, 0);
    }
    assert_true(frames_of(&at_alice) >= 2);
    assert_true(at_alice.bytes < 2 * (uint64_t)GJ_PARCEL_MAX);
    (void)zmq_close(bob);
    (void)zmq_ctx_term(zmq);
    free(frame);
    gj_net_close(&alice);
}

static void test_ten_thousand_arrive_intact_and_in_order(void **state) {
    (void)state;
    struct inbox at_alice, at_bob;
    init_inbox(&at_alice);
    init_inbox(&at_bob);
    struct gj_net *alice = open_alice(&at_alice), *bob = open_bob(&at_bob);
    assert_true(send_until(bob, "alice", &at_alice, 1));
    uint64_t first = frames_of(&at_alice);
    uint8_t frame[3000];
    int64_t until = clock_ms() + 4 * PATIENCE_MS;
    for (uint64_t sent = first; sent < first + 10000; sent++) {
        /* Few under way at a time: a full queue drops, and so does one in which a parcel waits for long. */
        while (sent - frames_of(&at_alice) >= 64 && clock_ms() < until)
            rest();
        size_t len = numbered(frame, sent, 8 + (size_t)(sent * 37 % (sizeof frame - 8)));
        gj_net_send(bob, "alice", gj_slice_of(frame, len));
    }
    while (frames_of(&at_alice) < first + 10000 && clock_ms() < until)
        rest();
    assert_int_equal(frames_of(&at_alice), first + 10000);
    assert_int_equal(at_alice.wrong, 0);
    assert_true(counts_of(alice).frames_in >= first + 10000);
    gj_net_close(&bob);
    gj_net_close(&alice);
}

static void test_restarted_peer_is_found_again(void **state) {
    (void)state;
    struct inbox at_alice, at_bob;
    init_inbox(&at_alice);
    init_inbox(&at_bob);
    struct gj_net *alice = open_alice(&at_alice), *bob = open_bob(&at_bob);
    assert_true(send_until(bob, "alice", &at_alice, 1));
    gj_net_close(&alice);
    uint64_t before = frames_of(&at_alice);
    alice = open_alice(&at_alice);
    assert_true(send_until(bob, "alice", &at_alice, before + 1));
    gj_net_close(&bob);
    gj_net_close(&alice);
}

/* Alice's registry does not know bob's key; then she is started again with the right one. libzmq gives up
 * after such a refusal, so bob must connect anew by himself. */
static void test_refused_line_heals_when_the_registry_does(void **state) {
    (void)state;
    struct inbox at_alice, at_bob;
    init_inbox(&at_alice);
    init_inbox(&at_bob);
    struct gj_net *alice = open_node("alice", alice_at, &alice_key, "bob", bob_at, &stranger_key, &at_alice);
    struct gj_net *bob = open_bob(&at_bob);
    uint8_t frame[16];
    size_t len = numbered(frame, 0, sizeof frame);
    for (int64_t until = clock_ms() + PATIENCE_MS; counts_of(alice).refused_zap == 0 && clock_ms() < until;) {
        gj_net_send(bob, "alice", gj_slice_of(frame, len));
        rest();
    }
    assert_true(counts_of(alice).refused_zap > 0);
    assert_int_equal(frames_of(&at_alice), 0);
    gj_net_close(&alice);
    alice = open_alice(&at_alice);
    assert_true(send_until(bob, "alice", &at_alice, 1));
    gj_net_close(&bob);
    gj_net_close(&alice);
}

static void test_full_inbox_and_full_outbox_drop_and_count(void **state) {
    (void)state;
    struct inbox at_alice, at_bob;
    init_inbox(&at_alice);
    init_inbox(&at_bob);
    at_alice.full = true;
    struct gj_net *alice = open_alice(&at_alice), *bob = open_bob(&at_bob);
    uint8_t frame[16];
    size_t len = numbered(frame, 0, sizeof frame);
    for (int64_t until = clock_ms() + PATIENCE_MS;
         counts_of(alice).dropped_inbox_full == 0 && clock_ms() < until; rest())
        gj_net_send(bob, "alice", gj_slice_of(frame, len));
    assert_true(counts_of(alice).dropped_inbox_full > 0);
    assert_int_equal(counts_of(alice).frames_in, 0);

    /* Bob is gone: what alice says to him is dropped at the limit, or when it is stale. */
    gj_net_close(&bob);
    uint64_t sent = 5000;
    for (uint64_t i = 0; i < sent; i++)
        gj_net_send(alice, "bob", gj_slice_of(frame, len));
    assert_true(counts_of(alice).dropped_outbox_full > 0);
    uint64_t before = counts_of(alice).dropped_outbox_full;
    gj_net_send(alice, "nobody", gj_slice_of(frame, len));
    assert_true(counts_of(alice).dropped_outbox_full > before);
    gj_net_close(&alice);
}

static void test_used_address_is_told(void **state) {
    (void)state;
    struct inbox at_alice;
    init_inbox(&at_alice);
    struct gj_net *alice = open_alice(&at_alice), *second = NULL;
    struct gj_net_config config = {.listen = alice_at,
                                   .curve_public = alice_key.public_key,
                                   .curve_secret = alice_key.secret_key,
                                   .self = "alice",
                                   .receive = receive,
                                   .ctx = &at_alice};
    char detail[200];
    assert_int_equal(gj_net_open(&config, &second, detail), GJ_ERR_IO);
    assert_null(second);
    assert_non_null(strstr(detail, alice_at));
    gj_net_close(&alice);
}

static void test_curve_files(void **state) {
    (void)state;
    char folder[] = "/tmp/gj-curve-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[64];
    (void)snprintf(path, sizeof path, "%s/curve", folder);
    char public_key[GJ_CURVE_TEXT + 1], secret_key[GJ_CURVE_TEXT + 1];

    assert_int_equal(gj_curve_save(path, alice_key.public_key, alice_key.secret_key), GJ_OK);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(gj_curve_load(path, public_key, secret_key), GJ_OK);
    assert_string_equal(public_key, alice_key.public_key);
    assert_string_equal(secret_key, alice_key.secret_key);
    /* Never overwritten. */
    assert_int_equal(gj_curve_save(path, bob_key.public_key, bob_key.secret_key), GJ_ERR_IO);

    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(gj_curve_load(path, public_key, secret_key), GJ_ERR_BAD_CONFIG);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(gj_curve_load(path, public_key, secret_key), GJ_ERR_IO);
    /* A secret of another pair. */
    assert_int_equal(gj_curve_save(path, alice_key.public_key, bob_key.secret_key), GJ_OK);
    assert_int_equal(gj_curve_load(path, public_key, secret_key), GJ_ERR_BAD_CONFIG);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(gj_curve_save(path, "short", bob_key.secret_key), GJ_ERR_BAD_INPUT);
    assert_int_equal(rmdir(folder), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_key_gets_through_with_its_line),
        cmocka_unit_test(test_unknown_key_gets_no_session),
        cmocka_unit_test(test_two_frames_are_dropped_and_counted),
        cmocka_unit_test(test_frame_limit_is_exact),
        cmocka_unit_test(test_ten_thousand_arrive_intact_and_in_order),
        cmocka_unit_test(test_restarted_peer_is_found_again),
        cmocka_unit_test(test_refused_line_heals_when_the_registry_does),
        cmocka_unit_test(test_full_inbox_and_full_outbox_drop_and_count),
        cmocka_unit_test(test_used_address_is_told),
        cmocka_unit_test(test_curve_files),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
