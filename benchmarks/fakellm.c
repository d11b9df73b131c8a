/* A cheap fake chat endpoint on loopback, so that a benchmark measures the client and not the model.
 *
 *     cc -O2 -o fakellm fakellm.c && ./fakellm 0        (prints the port it took; a number takes that port)
 *
 * POST …/chat/completions   one reply in the wire format of docs/graders.md, about 0.02 ms of CPU each
 * GET  /reset?lat=50&…      sets how it behaves and zeroes the counters:
 *      lat    milliseconds from a request to its reply          limit  calls in flight above which it answers 429
 *      p429, p500, pdrop (closes), pbad (a verdict cut short), pbody (a body cut short)       shares, 0.02 is 2 %
 *      ra     seconds of Retry-After on a 429 by p429; below 0 none. A 429 by limit never has one.
 *      seed   of the faults
 * GET  /stats               the counters as JSON; first_ns and last_ns are CLOCK_MONOTONIC
 *
 * A criterion is known by a marker [#hhhhhhhhhh] in its text, and its verdict is a pure function of the marker (60 %
 * are met), so every reply can be checked. A fault is a pure function of (seed, marker, which try of it), so the order
 * of arrival changes nothing and another try is another draw. A met verdict quotes the first words of the answer.
 * One thread, epoll, keep-alive; Linux. It trusts its client: for benchmarks only.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef uint64_t u64;

enum { MAX_ASKED = 64, ID_BYTES = 24, QUOTE_BYTES = 61, EVENTS = 1024, TRIES = 1 << 22, BODY_BYTES = 1 << 20 };
enum fault { NONE, TOO_MANY, LIMITED, SERVER_ERROR, DROP, BAD_REPLY, BAD_BODY };

struct buffer { char *bytes; size_t length, room; };

struct connection {
    int fd;
    unsigned generation;   /* rises when it closes, so that a waiting call knows that its caller has gone */
    bool busy, wants_out;
    struct buffer in, out;
    size_t sent;
    struct connection *next_free;
};

struct call {
    u64 due, order, key, marker[MAX_ASKED];
    struct connection *from;
    unsigned generation;
    enum fault fault;
    int asked;
    char id[MAX_ASKED][ID_BYTES], quote[QUOTE_BYTES];
    size_t bytes;
};

static struct { double latency, p429, p500, pdrop, pbad, pbody, retry_after; u64 seed, limit; } how = {.retry_after = -1};
static struct {
    u64 requests, ok, r429, limited, r500, dropped, bad_reply, bad_body, unique, body_bytes, connections;
    u64 in_flight, max_in_flight, first_ns, last_ns;
} seen;
static int epoll;
static struct connection *free_connections;
static struct { u64 key; uint32_t count; } *tries;
static char *content, *reply;

static u64 now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u64)t.tv_sec * 1000000000u + t.tv_nsec;
}

/* splitmix64's finish; marked_workload.py has the same */
static u64 mix(u64 x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static bool is_met(u64 marker) { return mix(marker) % 100 < 60; }

/* How often this key was asked before. */
static unsigned count_try(u64 key) {
    u64 at = mix(key) & (TRIES - 1);
    while (tries[at].count && tries[at].key != key) at = (at + 1) & (TRIES - 1);
    if (!tries[at].count) seen.unique++;
    tries[at].key = key;
    return tries[at].count++;
}

/* ---- calls that wait for their time: a heap by due, then by order of arrival */

static struct call **waiting;
static size_t n_waiting, room_waiting;

static bool sooner(const struct call *a, const struct call *b) {
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void swap(size_t a, size_t b) {
    struct call *held = waiting[a];
    waiting[a] = waiting[b];
    waiting[b] = held;
}

static void hold(struct call *call) {
    if (n_waiting == room_waiting) {
        room_waiting = room_waiting ? room_waiting * 2 : 1024;
        waiting = realloc(waiting, room_waiting * sizeof *waiting);
    }
    size_t at = n_waiting++;
    for (waiting[at] = call; at && sooner(waiting[at], waiting[(at - 1) / 2]); at = (at - 1) / 2) swap(at, (at - 1) / 2);
}

static struct call *next_due(void) {
    struct call *first = waiting[0];
    waiting[0] = waiting[--n_waiting];
    for (size_t at = 0;;) {
        size_t least = at, left = 2 * at + 1, right = left + 1;
        if (left < n_waiting && sooner(waiting[left], waiting[least])) least = left;
        if (right < n_waiting && sooner(waiting[right], waiting[least])) least = right;
        if (least == at) return first;
        swap(at, least);
        at = least;
    }
}

/* ---- connections */

static void make_room(struct buffer *buffer, size_t more) {
    if (buffer->room - buffer->length >= more) return;
    buffer->room = (buffer->length + more) * 2;
    buffer->bytes = realloc(buffer->bytes, buffer->room);
}

static void watch(struct connection *c, uint32_t events, int how_to) {
    struct epoll_event event = {.events = events, .data.ptr = c};
    epoll_ctl(epoll, how_to, c->fd, &event);
}

static void open_connection(int fd) {
    struct connection *c = free_connections;
    if (c) free_connections = c->next_free;
    else c = calloc(1, sizeof *c);
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->fd = fd;
    c->busy = c->wants_out = false;
    c->in.length = c->out.length = c->sent = 0;
    seen.connections++;
    watch(c, EPOLLIN, EPOLL_CTL_ADD);
}

static void close_connection(struct connection *c) {
    if (c->fd < 0) return;
    if (c->busy) seen.in_flight--;
    close(c->fd);
    c->fd = -1;
    c->generation++;
    c->next_free = free_connections;
    free_connections = c;
}

static void flush(struct connection *c) {
    while (c->sent < c->out.length) {
        ssize_t n = send(c->fd, c->out.bytes + c->sent, c->out.length - c->sent, MSG_NOSIGNAL);
        if (n > 0) c->sent += n;
        else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        else { close_connection(c); return; }
    }
    bool wants_out = c->sent < c->out.length;
    if (!wants_out) c->sent = c->out.length = 0;
    if (wants_out != c->wants_out) watch(c, wants_out ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
    c->wants_out = wants_out;
}

static void answer(struct connection *c, const char *status, const char *header, const char *body, size_t length,
                   size_t promised) {
    make_room(&c->out, length + 512);
    c->out.length += sprintf(c->out.bytes + c->out.length,
                             "HTTP/1.1 %s\r\ncontent-type: application/json\r\n%scontent-length: %zu\r\n\r\n", status,
                             header, promised);
    memcpy(c->out.bytes + c->out.length, body, length);
    c->out.length += length;
    flush(c);
}

/* ---- replies */

#define EXPLANATION                                                                                                    \
    "The response addresses this point in the second paragraph, where it names the sign to watch for and says what "   \
    "the user should do next; the wording differs from the rubric item but the meaning matches the requirement."

/* The verdicts, already escaped: they stand inside a JSON string. */
static size_t write_verdicts(const struct call *call) {
    char *at = content + sprintf(content, "{\\\"verdicts\\\": [");
    for (int i = 0; i < call->asked; i++) {
        bool met = is_met(call->marker[i]);
        at += sprintf(at, "%s{\\\"criterion\\\": \\\"%s\\\", \\\"explanation\\\": \\\"" EXPLANATION "\\\", \\\"evidence\\\": [",
                      i ? ", " : "", call->id[i]);
        if (met && call->quote[0]) at += sprintf(at, "\\\"%s\\\"", call->quote);
        at += sprintf(at, "], \\\"met\\\": %s}", met ? "true" : "false");
    }
    return at + sprintf(at, "]}") - content;
}

static void complete(struct connection *c, const struct call *call) {
    size_t length = write_verdicts(call);
    if (call->fault == BAD_REPLY) {
        length = length * 2 / 3;
        while (length && content[length - 1] == '\\') length--;
    }
    unsigned in = (unsigned)(call->bytes / 4), out = (unsigned)(length / 4);
    int whole = sprintf(
        reply,
        "{\"id\":\"chatcmpl-%016llx\",\"object\":\"chat.completion\",\"created\":1764000000,\"model\":\"judge-2026-01\","
        "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%.*s\",\"refusal\":null,"
        "\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":%u,"
        "\"completion_tokens\":%u,\"total_tokens\":%u,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},"
        "\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
        "\"rejected_prediction_tokens\":0}},\"service_tier\":\"default\",\"system_fingerprint\":\"fp_51e1070cf2\"}",
        (unsigned long long)mix(call->key + seen.requests), (int)length, content, in, out, in + out);
    /* A cut body is whole to HTTP: its length is that of what is sent. */
    size_t sent = call->fault == BAD_BODY ? whole / 2 : whole;
    answer(c, "200 OK", "", reply, sent, sent);
}

static void respond(struct connection *c, const struct call *call) {
    static const char too_many[] = "{\"error\":{\"message\":\"Rate limit reached\",\"code\":\"rate_limit_exceeded\"}}";
    static const char broken[] = "{\"error\":{\"message\":\"The server had an error\",\"code\":null}}";
    char header[64] = "";
    seen.in_flight--;
    c->busy = false;
    seen.last_ns = now();
    switch (call->fault) {
    case DROP:
        seen.dropped++;
        close_connection(c);
        break;
    case TOO_MANY:
        seen.r429++;
        if (how.retry_after >= 0) sprintf(header, "retry-after: %g\r\n", how.retry_after);
        answer(c, "429 Too Many Requests", header, too_many, sizeof too_many - 1, sizeof too_many - 1);
        break;
    case LIMITED:
        seen.r429++;
        seen.limited++;
        answer(c, "429 Too Many Requests", "", too_many, sizeof too_many - 1, sizeof too_many - 1);
        break;
    case SERVER_ERROR:
        seen.r500++;
        answer(c, "500 Internal Server Error", "", broken, sizeof broken - 1, sizeof broken - 1);
        break;
    case BAD_REPLY:
        seen.bad_reply++;
        complete(c, call);
        break;
    case BAD_BODY:
        seen.bad_body++;
        complete(c, call);
        break;
    case NONE:
        seen.ok++;
        complete(c, call);
        break;
    }
}

/* ---- requests */

static enum fault draw_fault(u64 key, unsigned nth) {
    double drawn = (mix(how.seed * 1000003 + mix(key + nth * 7919)) >> 11) * (1.0 / 9007199254740992.0);
    if (how.limit && seen.in_flight > how.limit) return LIMITED;
    if ((drawn -= how.p429) < 0) return TOO_MANY;
    if ((drawn -= how.p500) < 0) return SERVER_ERROR;
    if ((drawn -= how.pdrop) < 0) return DROP;
    if ((drawn -= how.pbad) < 0) return BAD_REPLY;
    if ((drawn -= how.pbody) < 0) return BAD_BODY;
    return NONE;
}

static char *find(char *from, char *end, const char *words) { return memmem(from, end - from, words, strlen(words)); }

static char *find_last(char *from, char *end, const char *words) {
    char *last = NULL;
    while ((from = find(from, end, words))) last = from++;
    return last;
}

static const char QUOTE_MARK[] = "\\\""; /* as it stands in a JSON text inside a JSON string */

/* The ids after the last "criteria", a marker after each, and the first words of the last "answer" before it. */
static void read_material(struct call *call, char *body, char *end) {
    char *criteria = find_last(body, end, "\\\"criteria\\\""), *at = criteria;
    while (at && call->asked < MAX_ASKED && (at = find(at, end, "\\\"id\\\""))) {
        char *id = find(at + 6, end, QUOTE_MARK);
        char *stop = id ? find(id + 2, end, QUOTE_MARK) : NULL;
        char *marker = stop ? find(stop, end, "[#") : NULL;
        if (!marker || stop - id - 2 >= ID_BYTES) break;
        memcpy(call->id[call->asked], id + 2, stop - id - 2);
        call->marker[call->asked] = strtoull(marker + 2, NULL, 16);
        call->key = mix(call->key ^ call->marker[call->asked++]);
        at = stop;
    }
    char *said = criteria ? find_last(body, criteria, "\\\"answer\\\"") : NULL;
    char *first = said ? find(said + 10, criteria, QUOTE_MARK) : NULL;
    if (!first) return;
    for (first += 2; first < criteria && (*first == '\\' || *first == '"'); first++) { }
    size_t length = strcspn(first, "\\");
    if (length >= QUOTE_BYTES) length = QUOTE_BYTES - 1;
    while (length && first[length] != ' ') length--;
    memcpy(call->quote, first, length);
}

static void take_call(struct connection *c, char *body, size_t length) {
    static u64 order;
    if (!seen.requests) seen.first_ns = now();
    seen.requests++;
    seen.body_bytes += length;
    if (++seen.in_flight > seen.max_in_flight) seen.max_in_flight = seen.in_flight;
    struct call *call = calloc(1, sizeof *call);
    call->from = c;
    call->generation = c->generation;
    call->bytes = length;
    call->order = order++;
    read_material(call, body, body + length);
    call->fault = draw_fault(call->key, count_try(call->key));
    c->busy = true;
    if (how.latency > 0 && call->fault != TOO_MANY && call->fault != LIMITED) {
        call->due = now() + (u64)(how.latency * 1e6);
        hold(call);
        return;
    }
    respond(c, call);
    free(call);
}

static double setting(const char *query, const char *name, double otherwise) {
    size_t length = strlen(name);
    for (const char *at = query; (at = strstr(at, name)); at += length)
        if ((at[-1] == '?' || at[-1] == '&') && at[length] == '=') return strtod(at + length + 1, NULL);
    return otherwise;
}

static void reset(const char *query) {
    how.latency = setting(query, "lat", 0);
    how.p429 = setting(query, "p429", 0);
    how.p500 = setting(query, "p500", 0);
    how.pdrop = setting(query, "pdrop", 0);
    how.pbad = setting(query, "pbad", 0);
    how.pbody = setting(query, "pbody", 0);
    how.retry_after = setting(query, "ra", -1);
    how.seed = (u64)setting(query, "seed", 1);
    how.limit = (u64)setting(query, "limit", 0);
    u64 still = seen.in_flight;
    memset(&seen, 0, sizeof seen);
    seen.in_flight = seen.max_in_flight = still;
    memset(tries, 0, TRIES * sizeof *tries);
}

static void tell(struct connection *c, const char *path) {
    char told[1024];
    if (!strncmp(path, "/reset", 6)) reset(path);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
#define N(field) (unsigned long long)seen.field
    int length = sprintf(
        told,
        "{\"requests\":%llu,\"ok\":%llu,\"r429\":%llu,\"limited\":%llu,\"r500\":%llu,\"dropped\":%llu,\"bad_reply\":%llu,"
        "\"bad_body\":%llu,\"unique\":%llu,\"body_bytes\":%llu,\"connections\":%llu,\"in_flight\":%llu,"
        "\"max_in_flight\":%llu,\"first_ns\":%llu,\"last_ns\":%llu,\"cpu_s\":%.6f}\n",
        N(requests), N(ok), N(r429), N(limited), N(r500), N(dropped), N(bad_reply), N(bad_body), N(unique), N(body_bytes),
        N(connections), N(in_flight), N(max_in_flight), N(first_ns), N(last_ns), cpu);
    answer(c, "200 OK", "", told, length, length);
}

/* Takes one whole request out of what has come in; false where there is none, or the one before is not answered. */
static bool take_request(struct connection *c) {
    if (c->fd < 0 || c->busy) return false;
    char *end = memmem(c->in.bytes, c->in.length, "\r\n\r\n", 4);
    if (!end) return false;
    *end = 0;
    char *field = strcasestr(c->in.bytes, "\r\ncontent-length:");
    size_t head = end + 4 - c->in.bytes, length = field ? strtoull(field + 17, NULL, 10) : 0;
    *end = '\r';
    if (c->in.length < head + length) {
        make_room(&c->in, head + length - c->in.length + 1);
        return false;
    }
    unsigned generation = c->generation;
    char *body = c->in.bytes + head;
    if (c->in.bytes[0] == 'G') {
        char path[512] = "";
        sscanf(c->in.bytes, "GET %511s", path);
        tell(c, path);
    } else {
        char after = body[length]; /* a text ends where it ends: `strcspn` and `strtoull` stop there */
        body[length] = 0;
        take_call(c, body, length);
        body[length] = after;
    }
    if (c->generation != generation) return false;
    memmove(c->in.bytes, body + length, c->in.length - head - length);
    c->in.length -= head + length;
    return true;
}

static void read_in(struct connection *c) {
    for (;;) {
        make_room(&c->in, 8192);
        ssize_t n = read(c->fd, c->in.bytes + c->in.length, c->in.room - c->in.length - 1);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        if (n <= 0) { close_connection(c); return; }
        c->in.length += n;
        if (c->in.length + 1 < c->in.room) break;
    }
    while (take_request(c)) { }
}

static void answer_what_is_due(void) {
    for (u64 at = now(); n_waiting && waiting[0]->due <= at;) {
        struct call *call = next_due();
        struct connection *c = call->from;
        if (c->generation == call->generation) {
            respond(c, call);
            while (take_request(c)) { }
        }
        free(call);
    }
}

static int listen_on(int port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) { perror("bind"); exit(1); }
    getsockname(listener, (void *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int main(int count, char **arguments) {
    static struct epoll_event events[EVENTS];
    struct rlimit files = {65536, 65536};
    signal(SIGPIPE, SIG_IGN);
    setrlimit(RLIMIT_NOFILE, &files);
    tries = calloc(TRIES, sizeof *tries);
    content = malloc(BODY_BYTES);
    reply = malloc(2 * BODY_BYTES);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_on(count > 1 ? atoi(arguments[1]) : 0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        struct timespec left, *until = NULL;
        if (n_waiting) {
            u64 at = now(), due = waiting[0]->due > at ? waiting[0]->due - at : 0;
            left = (struct timespec){due / 1000000000u, due % 1000000000u};
            until = &left;
        }
        int n = epoll_pwait2(epoll, events, EVENTS, until, NULL);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c) {
                for (int fd; (fd = accept4(listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) open_connection(fd);
                continue;
            }
            if (c->fd >= 0 && events[i].events & EPOLLOUT) flush(c);
            if (c->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_in(c);
        }
        answer_what_is_due();
    }
}
