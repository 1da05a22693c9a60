/* Whole runs: what they leave, the same bits whatever interrupts or shares the work. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/train/lab.h"

static struct lab lab;

static void setup(void)
{
    lab_begin(&lab);
}
static void teardown(void)
{
    lab_end(&lab);
}
TestSuite(run, .init = setup, .fini = teardown);

Test(run, leaves_results)
{
    struct stat s;
    cr_assert_eq(lab_train(&lab, lab_distil, "a.yaml", "a", NULL, 0), TD__EXIT_OK);
    cr_expect_eq(lab_result(&lab, "a", "steps"), 15);
    cr_expect_eq(lab_result(&lab, "a", "epochs"), 3);
    cr_expect_eq(lab_result(&lab, "a", "student.final.n"), 20);
    cr_expect_eq(lab_result(&lab, "a", "teacher.final.n"), 20);
    cr_expect_eq(lab_result(&lab, "a", "student.final.top5"), 20, "there are but four classes");
    cr_expect_eq(lab_result(&lab, "a", "student.final.top1"), lab_result(&lab, "a", "student.best.top1"),
                 "the best student is tested");
    cr_expect_eq(lab_result(&lab, "a", "student.last.epoch"), 3);
    cr_expect_eq(lab_result(&lab, "a", "student.mean_of_last_5.epochs"), 3, "there were no more");
    cr_expect_eq(lab_result(&lab, "a", "teacher.best.top1"), lab_result(&lab, "a", "teacher.final.top1"));
    cr_expect_gt(lab_result(&lab, "a", "wall_seconds"), lab_result(&lab, "a", "train_seconds"));
    cr_expect_eq(stat(lab_path(&lab, "a/config.yaml"), &s), 0);
    cr_expect(stat(lab_path(&lab, "a/log.jsonl"), &s) == 0 && s.st_size > 0);
}

Test(run, logs_json_lines)
{
    char *line = NULL;
    size_t room = 0;
    int steps = 0, validations = 0;
    cr_assert_eq(lab_train(&lab, lab_distil, "a.yaml", "a", NULL, 0), TD__EXIT_OK);
    FILE *f = fopen(lab_path(&lab, "a/log.jsonl"), "a");
    cr_assert(f && fputs("{\"event\": \"st", f) >= 0 && !fclose(f), "as a full disk leaves it");
    td__run_options o = lab_options(&lab, lab_distil, "a.yaml", "a");
    o.resume = 1;
    cr_assert_eq(td__train_command(&o), TD__EXIT_OK);
    f = fopen(lab_path(&lab, "a/log.jsonl"), "r");
    while (f && getline(&line, &room, f) > 0) {
        json_t *j = json_loads(line, 0, NULL);
        const char *event = json_string_value(json_object_get(j, "event"));
        cr_assert(event, "%s", line);
        steps += !strcmp(event, "step");
        validations += !strcmp(event, "validation");
        if (!strcmp(event, "step"))
            cr_expect(json_is_real(json_object_get(json_object_get(j, "terms"), "kd")));
        json_decref(j);
    }
    fclose(f);
    free(line);
    cr_expect_eq(steps, 9, "%d lines: after 2, 4 and 5 of five steps, three times", steps);
    cr_expect_eq(validations, 3);
}

/* What log.jsonl says of the last five of seven epochs, in two sittings. */
Test(run, last_best_and_mean_are_those_of_the_log)
{
    const char *few[] = {"train.num_epochs=7"};
    char *line = NULL;
    size_t room = 0;
    double percent[8] = {0}, mean = 0, best = 0;
    int n = 0;
    cr_assert_eq(lab_train(&lab, lab_distil, "a.yaml", "a", few, 1), TD__EXIT_OK);
    cr_assert_eq(unlink(lab_path(&lab, "a/result.json")), 0);
    td__run_options o = lab_options(&lab, lab_distil, "a.yaml", "a");
    o.sets = few;
    o.n_sets = 1;
    o.resume = 1;
    cr_assert_eq(td__train_command(&o), TD__EXIT_OK, "all is trained: it goes on with the test");
    FILE *f = fopen(lab_path(&lab, "a/log.jsonl"), "r");
    while (f && getline(&line, &room, f) > 0) {
        json_t *j = json_loads(line, 0, NULL);
        if (!strcmp(json_string_value(json_object_get(j, "event")), "validation") && n < 8)
            percent[n++] = json_number_value(json_object_get(json_object_get(j, "accuracy"), "top1_percent"));
        json_decref(j);
    }
    fclose(f);
    free(line);
    cr_assert_eq(n, 7);
    for (int i = 0; i < 7; i++) {
        best = percent[i] > best ? percent[i] : best;
        mean += i >= 2 ? percent[i] / 5 : 0;
    }
    cr_expect_eq(lab_result(&lab, "a", "student.best.top1_percent"), best);
    cr_expect_eq(lab_result(&lab, "a", "student.last.top1_percent"), percent[6]);
    cr_expect_eq(lab_result(&lab, "a", "student.mean_of_last_5.epochs"), 5);
    cr_expect_float_eq(lab_result(&lab, "a", "student.mean_of_last_5.top1_percent"), mean, 1e-9);
}

Test(run, learns)
{
    const char *sets[] = {"train.num_epochs=12", "train.scheduler=null",
                          "train.criterion.kwargs.sub_terms.kd.criterion.kwargs.alpha=0.9"};
    cr_assert_eq(lab_train(&lab, lab_distil, "a.yaml", "a", sets, 3), TD__EXIT_OK);
    cr_expect_geq(lab_result(&lab, "a", "student.final.top1"), 14, "of 20 images in four classes");
}

Test(run, same_bits_for_any_threads_and_workers)
{
    const char *const workers[] = {"train.train_data_loader.kwargs.num_workers=0",
                                   "train.train_data_loader.kwargs.num_workers=3"};
    cr_assert_eq(lab_train(&lab, lab_distil, "a.yaml", "a", NULL, 0), TD__EXIT_OK);
    for (int threads = 2; threads <= 4; threads += 2) {
        const char *name = threads == 2 ? "threads2" : "threads4";
        td__run_options o = lab_options(&lab, lab_distil, "a.yaml", name);
        o.threads = threads;
        cr_assert_eq(td__train_command(&o), TD__EXIT_OK);
        cr_expect(lab_same_run(&lab, "a", name), "%s", name);
    }
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "workers3" : "workers0";
        cr_assert_eq(lab_train(&lab, lab_distil, "a.yaml", name, &workers[i], 1), TD__EXIT_OK);
        cr_expect(lab_same_run(&lab, "a", name), "%s", name);
    }
}

Test(run, seeds_matter_and_the_teacher_does_not_change_the_students_start)
{
    float a[108], b[108], d[108];
    const char *sets[] = {"train.optimizer.kwargs.lr=0", "+models.teacher_model.kwargs.classes=4",
                          "models.teacher_model.kwargs.batch_norm=false"};
    cr_assert_eq(lab_train(&lab, lab_distil, "a.yaml", "a", sets, 1), TD__EXIT_OK);
    cr_assert_eq(lab_train(&lab, lab_distil, "a.yaml", "b", sets, 3), TD__EXIT_OK);
    td__run_options o = lab_options(&lab, lab_distil, "a.yaml", "d");
    o.has_seed = 1;
    o.seed = 7;
    cr_assert_eq(td__train_command(&o), TD__EXIT_OK);
    cr_assert_eq(lab_tensor(&lab, "a", "student/conv.weight", a, 108), 108);
    cr_assert_eq(lab_tensor(&lab, "b", "student/conv.weight", b, 108), 108);
    cr_assert_eq(lab_tensor(&lab, "d", "student/conv.weight", d, 108), 108);
    cr_expect_arr_eq(a, b, sizeof a);
    cr_expect(memcmp(a, d, sizeof a) != 0);
    cr_assert_eq(lab_tensor(&lab, "a", "teacher/conv.weight", b, 108), 108);
    cr_expect(memcmp(a, b, sizeof a) != 0, "teacher and student of one architecture start differently");
}

/* What a file is sure to overwrite need not be drawn; what it may lack is. */
Test(run, weights_come_from_the_file_or_else_from_the_seed)
{
    float file[108], drawn[108], got[108];
    char strict[256], loose[256];
    const char *sets[] = {"train.optimizer.kwargs.lr=0", strict}, *other[] = {"train.optimizer.kwargs.lr=0", loose};
    td__run_options o = lab_options(&lab, lab_distil, "a.yaml", "file");
    o.has_seed = 1;
    o.seed = 7;
    o.sets = sets;
    o.n_sets = 1;
    cr_assert_eq(td__train_command(&o), TD__EXIT_OK);
    const char *best = lab_path(&lab, "file/checkpoints/best.safetensors");
    snprintf(strict, sizeof strict, "+models.student_model.src_ckpt=%s", best);
    snprintf(loose, sizeof loose, "+models.student_model.src_ckpt={path: %s, rename: {conv: other}, strict: False}", best);
    cr_assert_eq(lab_train(&lab, lab_distil, "a.yaml", "drawn", sets, 1), TD__EXIT_OK);
    cr_assert_eq(lab_train(&lab, lab_distil, "a.yaml", "strict", sets, 2), TD__EXIT_OK);
    cr_assert_eq(lab_train(&lab, lab_distil, "a.yaml", "loose", other, 2), TD__EXIT_OK);
    cr_assert_eq(lab_tensor(&lab, "file", "student/conv.weight", file, 108), 108);
    cr_assert_eq(lab_tensor(&lab, "drawn", "student/conv.weight", drawn, 108), 108);
    cr_expect(memcmp(file, drawn, sizeof file) != 0);
    cr_assert_eq(lab_tensor(&lab, "strict", "student/conv.weight", got, 108), 108);
    cr_expect_arr_eq(got, file, sizeof got);
    cr_assert_eq(lab_tensor(&lab, "loose", "student/conv.weight", got, 108), 108);
    cr_expect_arr_eq(got, drawn, sizeof got);
}

/* ---- interruptions ---- */

/* The step of the manifest; -1: none yet. */
static long long step_of(const char *run)
{
    char name[128];
    snprintf(name, sizeof name, "%s/checkpoints/last.json", run);
    json_t *j = json_load_file(lab_path(&lab, name), 0, NULL);
    long long step = j ? json_integer_value(json_object_get(j, "step")) : -1;
    json_decref(j);
    return step;
}

/* Runs in a child until the manifest reaches `step`, then sends `sig`; its wait status. */
static int run_until(const char *yaml, const char *run, const char *const *sets, size_t n, int resume, long long step,
                     int sig)
{
    td__run_options o = lab_options(&lab, yaml, "i.yaml", run);
    int status = 0;
    o.resume = resume;
    o.sets = sets;
    o.n_sets = n;
    fflush(NULL);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (!pid)
        _exit(td__train_command(&o));
    while (step >= 0 && step_of(run) < step && !waitpid(pid, &status, WNOHANG))
        usleep(200);
    if (step >= 0)
        kill(pid, sig);
    waitpid(pid, &status, 0);
    return status;
}

/* Kills a run at each of these steps; `left`: what the whole run leaves outside its folder, or NULL. */
static void kill_and_resume(const char *yaml, const char *const *sets, size_t n, const long long *at, size_t n_at,
                            const char *left)
{
    cr_assert_eq(WEXITSTATUS(run_until(yaml, "whole", sets, n, 0, -1, 0)), TD__EXIT_OK);
    cr_assert(!left || !unlink(left));
    int killed = 0;
    for (size_t i = 0; i < n_at; i++)
        killed += WIFSIGNALED(run_until(yaml, "parts", sets, n, i > 0, at[i], SIGKILL));
    cr_expect_gt(killed, 0, "no run was interrupted");
    cr_assert_eq(WEXITSTATUS(run_until(yaml, "parts", sets, n, 1, -1, 0)), TD__EXIT_OK);
    cr_expect(lab_same_run(&lab, "whole", "parts"));
    cr_expect_eq(lab_result(&lab, "whole", "student.final.top1"), lab_result(&lab, "parts", "student.final.top1"));
}

Test(run, killed_runs_resume_to_the_same_bits)
{
    const char *sets[] = {"+train.checkpoint_every=1"};
    const long long at[] = {2, 5, 6, 11, 14};
    kill_and_resume(lab_distil, sets, 1, at, 5, NULL);
}

Test(run, killed_stages_resume_to_the_same_bits)
{
    const char *sets[] = {"+train.checkpoint_every=1"};
    const long long at[] = {1, 3, 5, 6, 10, 13};
    kill_and_resume(lab_stages, sets, 1, at, 6, NULL);
}

Test(run, killed_wrappers_resume_to_the_same_bits)
{
    const char *sets[] = {"+train.checkpoint_every=1"};
    const long long at[] = {1, 4, 5, 7};
    char yaml[8192], file[256];
    snprintf(file, sizeof file, "%s", lab_path(&lab, "paraphraser.safetensors"));
    lab_wrappers(file, yaml, sizeof yaml);
    kill_and_resume(yaml, sets, 1, at, 4, file);
    float encoder[2];
    cr_expect_eq(lab_tensor(&lab, "whole", "teacher_network/paraphraser.encoder.7.running_mean", encoder, 2), 2);
    cr_expect_neq(encoder[0], 0, "stage 2 has what stage 1 learnt");
}

Test(run, killed_between_checkpoints_repeats_the_epoch)
{
    const long long at[] = {5, 10};
    kill_and_resume(lab_distil, NULL, 0, at, 2, NULL);
}

Test(run, sigterm_saves_and_says_so)
{
    const char *sets[] = {"train.num_epochs=200"};
    int status = run_until(lab_distil, "a", sets, 1, 0, 5, SIGTERM);
    cr_assert(WIFEXITED(status));
    cr_expect_eq(WEXITSTATUS(status), TD__EXIT_STOPPED);
    long long step = step_of("a");
    cr_expect_geq(step, 5);
    status = run_until(lab_distil, "a", sets, 1, 1, step + 5, SIGINT);
    cr_expect_eq(WEXITSTATUS(status), TD__EXIT_STOPPED);
    cr_expect_gt(step_of("a"), step);
}

/* ---- refusals ---- */

static void refused(const td__run_options *o, int code, const char *text)
{
    char said[4096];
    cr_expect_eq(lab_errors(td__train_command, o, said, sizeof said), code);
    cr_expect(strstr(said, text), "'%s' is not in '%s'", text, said);
}

Test(run, resume_wants_the_same_configuration)
{
    const char *before[] = {"train.num_epochs=1"}, *after[] = {"train.num_epochs=1", "train.optimizer.kwargs.lr=0.06"};
    cr_assert_eq(lab_train(&lab, lab_distil, "a.yaml", "a", before, 1), TD__EXIT_OK);
    td__run_options o = lab_options(&lab, lab_distil, "a.yaml", "a");
    o.sets = after;
    o.n_sets = 2;
    o.resume = 1;
    refused(&o, TD__EXIT_CONFIG, "'train.optimizer.kwargs.lr' is not what it was when this run began");
    o.n_sets = 1;
    o.has_seed = 1;
    o.seed = 3;
    refused(&o, TD__EXIT_USAGE, "the run began with --seed 0");
    o.has_seed = 0;
    o.bf16 = 1;
    refused(&o, TD__EXIT_USAGE, "the run began with --backend cpu --precision float32");
    o.bf16 = 0;
    cr_expect_eq(td__train_command(&o), TD__EXIT_OK, "a finished run only tests again");
}

Test(run, folders_are_not_overwritten)
{
    const char *sets[] = {"train.num_epochs=1"};
    cr_assert_eq(lab_train(&lab, lab_distil, "a.yaml", "a", sets, 1), TD__EXIT_OK);
    td__run_options o = lab_options(&lab, lab_distil, "a.yaml", "a");
    refused(&o, TD__EXIT_USAGE, "is not empty: --resume goes on with what is there, another --out begins anew");
    o = lab_options(&lab, lab_distil, "a.yaml", "b");
    o.resume = 1;
    refused(&o, TD__EXIT_USAGE, "holds no run");
    o.out = NULL;
    refused(&o, TD__EXIT_USAGE, "--resume needs --out");
}

Test(run, a_folder_is_one_runs_at_a_time)
{
    const char *sets[] = {"train.num_epochs=1"};
    cr_assert_eq(lab_train(&lab, lab_distil, "a.yaml", "a", sets, 1), TD__EXIT_OK);
    td__run_options o = lab_options(&lab, lab_distil, "a.yaml", "a");
    o.sets = sets;
    o.n_sets = 1;
    o.resume = 1;
    char *path = td__printf("%s/log.jsonl", o.out);
    FILE *log = fopen(path, "a");
    cr_assert(log && !flock(fileno(log), LOCK_EX));
    refused(&o, TD__EXIT_USAGE, "log.jsonl: another run writes to this folder");
    fclose(log);
    cr_expect_eq(td__train_command(&o), TD__EXIT_OK);
    free(path);
}

Test(run, a_loss_that_is_not_finite_stops_it)
{
    const char *sets[] = {"+models.student_model.kwargs.scale=1.0e+30",
                          "train.criterion.kwargs.sub_terms.kd.criterion.kwargs.alpha=1.0"};
    td__run_options o = lab_options(&lab, lab_distil, "a.yaml", "a");
    o.sets = sets;
    o.n_sets = 2;
    refused(&o, TD__EXIT_DIVERGED, "train epoch 1, step 1: the loss is not finite (nan): kd = nan (weight 1)");
}

Test(run, later_stages_are_tried_before_the_first)
{
    const char *sets[] = {"train.stage2.criterion.kwargs.sub_terms.kd.criterion.kwargs.student_module_path=conv"};
    td__run_options o = lab_options(&lab, lab_stages, "a.yaml", "a");
    o.sets = sets;
    o.n_sets = 1;
    refused(&o, TD__EXIT_CONFIG, "a.yaml:21:64: kd: soft_kl");
    cr_expect_neq(access(lab_path(&lab, "a"), F_OK), 0, "nothing was trained, nothing is left");
    refused(&o, TD__EXIT_CONFIG, "(it read: output of student 'conv' [");
}

Test(run, files_that_are_missing_or_broken)
{
    const char *none[] = {"+models.teacher_model.src_ckpt=/nowhere/teacher.pt"};
    td__run_options o = lab_options(&lab, lab_distil, "a.yaml", "a");
    char broken[600];
    o.sets = none;
    o.n_sets = 1;
    refused(&o, TD__EXIT_DATA, "/nowhere/teacher.pt: No such file or directory");
    cr_expect(access(lab_path(&lab, "a"), F_OK) != 0, "a run that never began leaves no folder");
    lab_write(&lab, "broken.pt", "this is no checkpoint");
    snprintf(broken, sizeof broken, "+models.teacher_model.src_ckpt=%s", lab_path(&lab, "broken.pt"));
    none[0] = broken;
    o = lab_options(&lab, lab_distil, "a.yaml", "b");
    o.sets = none;
    o.n_sets = 1;
    refused(&o, TD__EXIT_DATA, "broken.pt: ");
    o.n_sets = 0;
    o.out = NULL;
    char said[2048];
    cr_expect_eq(lab_errors(td__test_command, &o, said, sizeof said), TD__EXIT_DATA);
    cr_expect(strstr(said, "student_model has no trained weights"), "%s", said);
    o = lab_options(&lab, lab_distil, "a.yaml", "c");
    cr_expect_eq(lab_errors(td__test_command, &o, said, sizeof said), TD__EXIT_DATA);
    cr_expect(strstr(said, "holds no trained student"), "%s", said);
}

static void set_batch(const char *manifest, int batch)
{
    json_t *j = json_load_file(manifest, 0, NULL);
    cr_assert(j && !json_object_set_new(j, "batch", json_integer(batch)) && !json_dump_file(j, manifest, 0));
    json_decref(j);
}

Test(run, a_broken_checkpoint_is_said_to_be)
{
    const char *sets[] = {"train.num_epochs=1"};
    cr_assert_eq(lab_train(&lab, lab_distil, "a.yaml", "a", sets, 1), TD__EXIT_OK);
    td__run_options o = lab_options(&lab, lab_distil, "a.yaml", "a");
    o.resume = 1;
    o.sets = sets;
    o.n_sets = 1;
    const char *manifest = lab_path(&lab, "a/checkpoints/last.json");
    set_batch(manifest, -1);
    refused(&o, TD__EXIT_DATA, "last.json: it is damaged: a value is out of range");
    set_batch(manifest, 0);
    cr_assert_eq(truncate(lab_path(&lab, "a/checkpoints/state-000000005.safetensors"), 1000), 0);
    refused(&o, TD__EXIT_DATA, "state-000000005.safetensors: ");
    lab_write(&lab, "a/checkpoints/last.json", "{\"format\": 1}");
    refused(&o, TD__EXIT_DATA, "last.json: ");
    lab_write(&lab, "a/checkpoints/last.json", "{\"format\": 99}");
    refused(&o, TD__EXIT_DATA, "last.json: a manifest of format 99; this program reads format ");
}

/* ---- destinations ---- */

Test(run, students_go_where_dst_ckpt_says)
{
    char set[600];
    snprintf(set, sizeof set, "+models.student_model.dst_ckpt=%s", lab_path(&lab, "new/folder/student.safetensors"));
    const char *sets[] = {set};
    cr_assert_eq(lab_train(&lab, lab_distil, "a.yaml", "a", sets, 1), TD__EXIT_OK);
    cr_expect(lab_same_file(lab_path(&lab, "new/folder/student.safetensors"),
                            lab_path(&lab, "a/checkpoints/best.safetensors")));
    td__run_options o = lab_options(&lab, lab_distil, "a.yaml", NULL);
    o.sets = sets;
    o.n_sets = 1;
    cr_expect_eq(td__test_command(&o), TD__EXIT_OK, "test reads it from there");
}

/* ---- tests alone ---- */

Test(run, test_command_reads_the_best_of_a_run)
{
    static char text[1 << 16]; /* it names every plugin */
    cr_assert_eq(lab_train(&lab, lab_distil, "a.yaml", "a", NULL, 0), TD__EXIT_OK);
    td__run_options o = lab_options(&lab, lab_distil, "a.yaml", "a");
    o.json = 1;
    cr_assert_eq(lab_output(td__test_command, &o, text, sizeof text), TD__EXIT_OK);
    json_t *j = json_loads(text, 0, NULL);
    json_t *top1 = json_object_get(json_object_get(json_object_get(j, "student"), "final"), "top1");
    cr_assert(json_is_integer(top1), "%s", text);
    cr_expect_eq(json_integer_value(top1), lab_result(&lab, "a", "student.final.top1"));
    json_decref(j);
}
