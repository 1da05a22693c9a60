/* Messages to the user, on stderr: plain lines, levels as in td/host.h. */
#ifndef TD__LOG_H
#define TD__LOG_H

#include <stdarg.h>
#include <td/abi.h>

void td__log_level(int level); /* the least important level that is printed; default TD_LOG_INFO */
void td__log(int level, const char *fmt, ...) TD_PRINTF(2, 3);
/* The line on the terminal is unfinished (or no more): the next message begins a new one. */
void td__log_unfinished(int unfinished);
void td__vlog(int level, const char *fmt, va_list ap);

#endif
