/* What tools/bench prints: a line a row. */
#ifndef TOOLS_TABLE_H
#define TOOLS_TABLE_H

#include <jansson.h>

/* The settings PyTorch is timed in: where a row has them, and the script's options for them. */
struct peer {
    const char *key, *options, *device_options, *title; /* device_options: beside the cuda backend */
};
#define N_PEERS 3
extern const struct peer peers[N_PEERS];

double get(const json_t *j, const char *key);       /* a number; 0: there is none */
double best_peer_ms(const json_t *step, int first); /* the least of the peers from `first` on; 0: there are none */
void print_step_header(int with_peers);
void print_step(const json_t *j);
void print_epoch(const json_t *j);
void print_load(const json_t *j);

#endif
