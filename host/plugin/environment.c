#include "host/plugin/environment.h"

#include <fenv.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#ifdef __SSE__
#include <xmmintrin.h>
static unsigned float_control(void) { return _mm_getcsr() & ~(unsigned)(_MM_EXCEPT_MASK | _MM_ROUND_MASK); }
static void set_float_control(unsigned v) { _mm_setcsr(v); }
#else
static unsigned float_control(void) { return 0; }
static void set_float_control(unsigned v) { (void)v; }
#endif

void td__environment_take(td__environment *e)
{
    memset(e, 0, sizeof *e);
    e->rounding = fegetround();
    e->float_control = float_control();
    snprintf(e->locale, sizeof e->locale, "%s", setlocale(LC_ALL, NULL));
    for (int s = 1; s < NSIG; s++)
        sigaction(s, NULL, &e->handlers[s]);
}

int td__environment_restore(const td__environment *e, char *what, size_t what_size)
{
    td__environment now;
    td__environment_take(&now);
    what[0] = 0;
    if (now.rounding != e->rounding) {
        snprintf(what, what_size, "the rounding mode");
        fesetround(e->rounding);
    }
    if (now.float_control != e->float_control) {
        snprintf(what, what_size, "the floating-point control flags");
        set_float_control(e->float_control);
    }
    if (strcmp(now.locale, e->locale)) {
        snprintf(what, what_size, "the locale");
        setlocale(LC_ALL, e->locale);
    }
    for (int s = 1; s < NSIG; s++)
        if (now.handlers[s].sa_sigaction != e->handlers[s].sa_sigaction ||
            now.handlers[s].sa_flags != e->handlers[s].sa_flags) {
            snprintf(what, what_size, "the handler of signal %d (%s)", s, strsignal(s));
            sigaction(s, &e->handlers[s], NULL);
        }
    return what[0] != 0;
}
