#include "tools/measure/table.h"

#include <stdio.h>

const struct peer peers[N_PEERS] = {
    {"pytorch", "", "--device cuda", "PyTorch"},
    {"pytorch_channels_last", "--channels-last", "--device cuda --channels-last --amp bf16", "ch.-last"},
    {"pytorch_compiled", "--compile", "--device cuda --compile", "compiled"}};

double get(const json_t *j, const char *key) { return json_number_value(json_object_get(j, key)); }

double best_peer_ms(const json_t *step, int first)
{
    double best = 0;
    for (int i = first; i < N_PEERS; i++) {
        double ms = get(json_object_get(step, peers[i].key), "ms");
        best = ms > 0 && (best == 0 || ms < best) ? ms : best;
    }
    return best;
}

void print_step_header(int with_peers)
{
    printf("%-20s %-9s %8s %15s %8s %6s %7s %6s", "workload", "backend", "ms/step", "quartiles", "img/s", "MiB",
           "+first", "peak");
    for (int i = 0; with_peers && i < N_PEERS; i++)
        printf(" | %8s %6s", peers[i].title, "ratio");
    printf(with_peers ? " | %6s %6s\n" : "\n", "MiB", "ratio");
}

void print_step(const json_t *j)
{
    double ms = get(j, "ms"), peak = get(j, "fma_peak_gflops"),
           rss = get(json_object_get(j, peers[0].key), "peak_rss_mib");
    char spread[32], share[16] = "?";
    snprintf(spread, sizeof spread, "%.1f-%.1f", get(j, "ms_lower_quartile"), get(j, "ms_upper_quartile"));
    double least = peak > 0 ? get(j, "conv_gflop") / peak : 0, bandwidth = get(j, "peak_gbytes"); /* seconds */
    if (bandwidth > 0 && get(j, "gbytes") / bandwidth > least)
        least = get(j, "gbytes") / bandwidth;
    if (least > 0)
        snprintf(share, sizeof share, "%.0f %%", 1e5 * least / ms);
    printf("%-20s %-9s %8.1f %15s %8.1f %6.0f %7.2f %6s", json_string_value(json_object_get(j, "workload")),
           json_string_value(json_object_get(j, "backend")), ms, spread, get(j, "images_per_second"),
           get(j, "peak_rss_mib"), get(j, "first_step_seconds") - 1e-3 * ms, share);
    for (int i = 0; i < N_PEERS; i++) {
        double theirs = get(json_object_get(j, peers[i].key), "ms");
        if (theirs > 0)
            printf(" | %8.1f %5.2fx", theirs, ms / theirs);
    }
    if (rss > 0)
        printf(" | %6.0f %5.2fx", rss, get(j, "peak_rss_mib") / rss);
    printf("\n");
    fflush(stdout);
}

void print_epoch(const json_t *j)
{
    double ms = get(j, "ms"), bare = get(j, "bare_ms");
    printf(
        "CIFAR-10 KD from files, %s: %.1f ms a step, %.1f on a batch that is there (%+.1f %%), %.2f ms of it waiting "
        "for the loader\n",
        json_string_value(json_object_get(j, "backend")), ms, bare, 100 * (ms / bare - 1), get(j, "waited_ms"));
    fflush(stdout);
}

void print_load(const json_t *j)
{
    double rate = get(j, "images_per_second"), theirs = get(j, "torchvision_images_per_second");
    printf("photographs, decoded and augmented: %.0f a second a core", rate);
    if (theirs > 0)
        printf(", torchvision %.0f: %.2fx", theirs, rate / theirs);
    printf("\n");
}
