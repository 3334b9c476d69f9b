// The peer of the fan-out: what one send() per subscriber and message costs in C.
//
//   send_loop COUNT RATE SECONDS FILE
//
// Accepts COUNT connections on a free loopback port, which it prints. Then, at each line on
// standard input, sends the bytes in FILE to every connection RATE times a second for SECONDS and
// prints "CPU nanoseconds, sends, sends that did not fit, wall nanoseconds".
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t read_clock(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static void run(const int *fds, int count, double rate, double seconds, const char *message,
                size_t length) {
    int64_t start = read_clock(CLOCK_MONOTONIC), cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID);
    int64_t due = start, rounds = (int64_t)(rate * seconds), sent = 0, lost = 0;
    for (int64_t round = 0; round < rounds; round++) {
        for (int i = 0; i < count; i++) {
            if (send(fds[i], message, length, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)length) sent++;
            else lost++;
        }
        due += (int64_t)(1e9 / rate);
        int64_t wait = due - read_clock(CLOCK_MONOTONIC);
        struct timespec pause = {.tv_sec = wait / 1000000000, .tv_nsec = wait % 1000000000};
        if (wait > 0) nanosleep(&pause, NULL);
    }
    cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("%lld %lld %lld %lld\n", (long long)cpu, (long long)sent, (long long)lost,
           (long long)(read_clock(CLOCK_MONOTONIC) - start));
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc < 5) return 2;
    int count = atoi(argv[1]), on = 1;
    double rate = atof(argv[2]), seconds = atof(argv[3]);
    static char message[65536];
    FILE *file = fopen(argv[4], "rb");
    if (!file) return 2;
    size_t length = fread(message, 1, sizeof message, file);
    alarm(1800); // whatever happens to the parent
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(listening, (void *)&address, size) || listen(listening, 4096)) return 1;
    getsockname(listening, (void *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    int *fds = calloc(count, sizeof *fds);
    for (int i = 0; i < count; i++) {
        fds[i] = accept(listening, NULL, NULL);
        if (fds[i] < 0) return 1;
        setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    char line[64];
    while (read(0, line, sizeof line) > 0) run(fds, count, rate, seconds, message, length);
    return 0;
}
