/* Preloaded into a Redis by spec/support/redis.lua: the time of day is what the file that
 * TOLD_CLOCK names says, in seconds; with a sign in front they are added to the system's. Monotonic
 * clocks go on as they are. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static double told(const struct timespec *system)
{
    static int fd = -1;
    char text[32] = "";
    if (fd < 0)
        fd = open(getenv("TOLD_CLOCK"), O_RDONLY | O_CLOEXEC);
    double seconds = pread(fd, text, sizeof(text) - 1, 0) > 0 ? strtod(text, NULL) : 0;
    if (text[0] == '+' || text[0] == '-')
        seconds += (double)system->tv_sec + (double)system->tv_nsec / 1e9;
    return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (result || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return result;
    double seconds = told(now);
    now->tv_sec = (time_t)seconds;
    now->tv_nsec = (long)((seconds - (double)now->tv_sec) * 1e9);
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec at;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &at);
    *now = (struct timeval){.tv_sec = at.tv_sec, .tv_usec = at.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *out)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    if (out)
        *out = at.tv_sec;
    return at.tv_sec;
}
