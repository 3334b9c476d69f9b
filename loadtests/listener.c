// Subscribers: opens COUNT connections to 127.0.0.1:PORT and reads what comes, counting messages.
//
//   listener PORT COUNT PROTOCOL SAMPLES FILE [HEX ...]
//
// PROTOCOL "raw": whole WebSocket frames come at once, without a handshake (the peer's send loop);
// "-": handshake without subprotocol; else the subprotocol. Each HEX is the payload of one client
// message sent after the handshake: text, or binary where a subprotocol is named.
// SAMPLES connections, evenly spread up to the last one, write each text message to FILE as
// "CLOCK_MONOTONIC nanoseconds, connection, payload" (FILE "-": none). With samples it looks for
// messages every half millisecond: to wake a sleeping reader is a cost of the sender, and this one
// would sleep and be woken for each of ten thousand screens. So a time may be that much too late.
//
// Says "ready" once everybody has connected. Then each line on standard input is answered with
// "messages bytes closed", counted from the start; the end of standard input ends the program.
// The server's pings ({} as text, 0x80 as binary, or a ping frame) are answered and not counted.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 1 << 20, KEEP = 1 << 18, EVENTS = 512, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9 };
enum { NAP_MICROSECONDS = 500 };

struct peer {
    int fd, sampled;
    unsigned char *rest; // the beginning of a frame whose end has not come yet
    size_t rest_length;
    uint64_t skip; // bytes of a large frame that are still to be thrown away
};

static unsigned char buffer[BUFFER];
static long messages, bytes, closed;
static FILE *log_file;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

// RFC 6455 section 5.3 wants client frames masked; the key 0 leaves the payload as it is.
static void send_frame(int fd, int opcode, const unsigned char *payload, size_t length) {
    unsigned char frame[4096];
    size_t at = 0;
    if (length > sizeof frame - 8) exit(2);
    frame[at++] = 0x80 | opcode;
    if (length < 126) frame[at++] = 0x80 | length;
    else {
        frame[at++] = 0x80 | 126;
        frame[at++] = length >> 8;
        frame[at++] = length & 255;
    }
    memset(frame + at, 0, 4);
    memcpy(frame + at + 4, payload, length);
    if (write(fd, frame, at + 4 + length) < 0 && errno != EPIPE && errno != ECONNRESET) fail("write");
}

static void shake_hands(int fd, const char *protocol) {
    char request[512], answer[2048];
    size_t got = 0;
    int named = strcmp(protocol, "-") != 0;
    snprintf(request, sizeof request,
             "GET /connection/websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
             "Sec-WebSocket-Version: 13\r\n%s%s%s\r\n",
             named ? "Sec-WebSocket-Protocol: " : "", named ? protocol : "", named ? "\r\n" : "");
    if (write(fd, request, strlen(request)) < 0) fail("handshake");
    while (got < 4 || memcmp(answer + got - 4, "\r\n\r\n", 4)) {
        if (got == sizeof answer || read(fd, answer + got, 1) != 1) fail("handshake");
        got++;
    }
    if (memcmp(answer, "HTTP/1.1 101", 12)) {
        fprintf(stderr, "refused: %.40s\n", answer);
        exit(1);
    }
}

static void send_hex(int fd, int opcode, const char *hex) {
    unsigned char payload[2048];
    size_t length = strlen(hex) / 2;
    if (length > sizeof payload) exit(2);
    for (size_t i = 0; i < length; i++) {
        unsigned value;
        if (sscanf(hex + 2 * i, "%2x", &value) != 1) exit(2);
        payload[i] = value;
    }
    send_frame(fd, opcode, payload, length);
}

static void take(struct peer *peer, int index, uint64_t now, int opcode, unsigned char *payload,
                 size_t length) {
    if (opcode == PING) send_frame(peer->fd, 10, payload, length);
    else if (opcode == TEXT && length == 2 && !memcmp(payload, "{}", 2))
        send_frame(peer->fd, TEXT, payload, 2);
    else if (opcode == BINARY && length == 1 && payload[0] == 0x80)
        send_frame(peer->fd, BINARY, payload, 1);
    else if (opcode == TEXT || opcode == BINARY) {
        messages++;
        bytes += length;
        if (peer->sampled && log_file && opcode == TEXT)
            fprintf(log_file, "%llu %d %.*s\n", (unsigned long long)now, index, (int)length, payload);
    }
}

static size_t header(const unsigned char *at, size_t left, uint64_t *length) {
    size_t size = 2;
    if (left < 2) return 0;
    *length = at[1] & 127;
    if (*length > 125) {
        size = *length == 126 ? 4 : 10;
        if (left < size) return 0;
        *length = 0;
        for (size_t i = 2; i < size; i++) *length = *length << 8 | at[i];
    }
    return size;
}

// Reads once; 0 at the connection's end.
static int receive(struct peer *peer, int index) {
    size_t kept = peer->rest_length, at = 0;
    memcpy(buffer, peer->rest, kept);
    ssize_t got = read(peer->fd, buffer + kept, BUFFER - kept);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return 0;
    struct timespec clock;
    clock_gettime(CLOCK_MONOTONIC, &clock);
    uint64_t now = clock.tv_sec * 1000000000ull + clock.tv_nsec, length;
    size_t end = kept + got;
    while (at < end) {
        if (peer->skip) {
            size_t step = peer->skip < end - at ? peer->skip : end - at;
            peer->skip -= step;
            at += step;
            continue;
        }
        size_t head = header(buffer + at, end - at, &length);
        if (!head) break;
        if (length > KEEP) {
            messages++;
            bytes += length;
            peer->skip = length;
            at += head;
            continue;
        }
        if (end - at < head + length) break;
        if ((buffer[at] & 15) == CLOSE) return 0;
        take(peer, index, now, buffer[at] & 15, buffer + at + head, length);
        at += head + length;
    }
    peer->rest_length = end - at;
    if (peer->rest_length) {
        peer->rest = realloc(peer->rest, peer->rest_length);
        memcpy(peer->rest, buffer + at, peer->rest_length);
    }
    return 1;
}

static int open_peer(int port, const char *protocol, int count, char **hex) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (void *)&address, sizeof address)) fail("connect");
    if (strcmp(protocol, "raw")) {
        shake_hands(fd, protocol);
        for (int i = 0; i < count; i++)
            send_hex(fd, strcmp(protocol, "-") ? BINARY : TEXT, hex[i]);
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

// Handles what has come, after a nap where nothing is overdue; 0 once standard input has ended.
static int pump(int poll, struct peer *peers, int timeout, int nap) {
    static int ready;
    struct epoll_event events[EVENTS];
    if (ready < EVENTS && nap) usleep(nap);
    ready = epoll_wait(poll, events, EVENTS, timeout);
    for (int i = 0; i < ready; i++) {
        uint32_t index = events[i].data.u32;
        if (index == UINT32_MAX) {
            char line[64];
            if (read(0, line, sizeof line) <= 0) return 0;
            if (log_file) fflush(log_file);
            printf("%ld %ld %ld\n", messages, bytes, closed);
            fflush(stdout);
        } else if (!receive(&peers[index], index)) {
            closed++;
            close(peers[index].fd);
        }
    }
    return 1;
}

int main(int argc, char **argv) {
    if (argc < 6) return 2;
    int port = atoi(argv[1]), count = atoi(argv[2]), samples = atoi(argv[4]);
    alarm(1800); // whatever happens to the parent
    if (strcmp(argv[5], "-") && !(log_file = fopen(argv[5], "w"))) fail("log");
    int poll = epoll_create1(0);
    struct peer *peers = calloc(count, sizeof *peers);
    for (int i = 0; i < count; i++) {
        peers[i].fd = open_peer(port, argv[3], argc - 6, argv + 6);
        peers[i].sampled = (long)(i + 1) * samples / count > (long)i * samples / count;
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        epoll_ctl(poll, EPOLL_CTL_ADD, peers[i].fd, &event);
        // Those who are here already have pings to answer.
        if (i % 50 == 0) pump(poll, peers, 0, 0);
    }
    struct epoll_event standard_input = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
    epoll_ctl(poll, EPOLL_CTL_ADD, 0, &standard_input);
    printf("ready\n");
    fflush(stdout);
    while (pump(poll, peers, -1, samples > 0 ? NAP_MICROSECONDS : 0)) continue;
    if (log_file) fclose(log_file);
    return 0;
}
