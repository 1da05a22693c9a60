/* How runs end: each exit status of tdhost(1), what is said then, and what a terminal shows. */
#include <criterion/criterion.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "host/base/mem.h"
#include "host/train/train.h"
#include "tests/paths.h"
#include "tests/shell.h"

static char dir[] = "/tmp/tdhost-exit-XXXXXX", *configs;
static struct shell got;

static void setup(void)
{
    cr_assert(mkdtemp(dir));
    signal(SIGHUP, SIG_DFL); /* nohup's, under which a lost terminal stops nothing, is not for these tests */
    configs = source_path("configs/drawn");
}

static void teardown(void)
{
    remove_tree(dir);
    free(configs);
    free(got.text);
}

TestSuite(exits, .init = setup, .fini = teardown);

/* Trains on 64 drawn images in batches of 16 for an epoch, unless the arguments say otherwise. */
#define SMALL                                                                                                          \
    PLUGINS "--threads 1 --set datasets.drawn/train.kwargs.length=64 --set datasets.drawn/test.kwargs.length=16 "      \
            "--set train.num_epochs=1 --set train.train_data_loader.kwargs.batch_size=16 "

static void expect(int code, const char *text, const char *fmt, ...) TD_PRINTF(3, 4);
static void expect(int code, const char *text, const char *fmt, ...)
{
    char *arguments;
    va_list ap;
    va_start(ap, fmt);
    cr_assert(vasprintf(&arguments, fmt, ap) >= 0);
    va_end(ap);
    free(got.text);
    got = tdhost(arguments);
    cr_expect_eq(got.code, code, "%d: tdhost %s: %s", got.code, arguments, got.text);
    cr_expect(strstr(got.text, text), "tdhost %s: %s\nlacks: %s", arguments, got.text, text);
    free(arguments);
}

static void shell(const char *fmt, ...) TD_PRINTF(1, 2);
static void shell(const char *fmt, ...)
{
    char *command;
    va_list ap;
    va_start(ap, fmt);
    cr_assert(vasprintf(&command, fmt, ap) >= 0);
    va_end(ap);
    cr_assert_eq(system(command), 0, "%s", command);
    free(command);
}

Test(exits, well)
{
    expect(TD__EXIT_OK, "\nmodel: ", SMALL "--config %s/labels.yaml --out %s/a", configs, dir);
    expect(TD__EXIT_OK, "model: ", "test " SMALL "--config %s/labels.yaml --out %s/a", configs, dir);
}

Test(exits, a_folder_that_cannot_be)
{
    expect(TD__EXIT_FAILED, "error: /dev/null/a: Not a directory\n", SMALL "--config %s/labels.yaml --out /dev/null/a",
           configs);
}

Test(exits, a_wrong_line)
{
    expect(TD__EXIT_USAGE, "error: there is no backend 'cpv' (did you mean 'cpu'?)",
           SMALL "--config %s/labels.yaml --backend cpv", configs);
}

Test(exits, a_wrong_configuration)
{
    expect(TD__EXIT_CONFIG, "'lr' in SGD is a number",
           "check " PLUGINS "--set train.optimizer.kwargs.lr=x %s/labels.yaml", configs);
}

Test(exits, weights_that_are_missing)
{
    expect(TD__EXIT_DATA, "--set _weights=/nowhere/t.pt: /nowhere/t.pt: No such file or directory\n",
           SMALL "--config %s/distilled.yaml --out %s/a --set _weights=/nowhere/t.pt", configs, dir);
}

static const char folder[] =
    "datasets:\n"
    "  &train images/train: {key: ImageFolder, kwargs: {root: train, transform: {key: ToTensor}}}\n"
    "  &val images/val: {key: ImageFolder, kwargs: {root: val, transform: {key: ToTensor}}}\n"
    "models:\n"
    "  model: {key: resnet, kwargs: {depth: 8, num_classes: 2}, src_ckpt: , dst_ckpt: }\n"
    "train:\n"
    "  num_epochs: 1\n"
    "  train_data_loader: &loader\n"
    "    dataset_id: *train\n"
    "    sampler: {class_or_func: SequentialSampler}\n"
    "    kwargs: {batch_size: 2}\n"
    "  val_data_loader: &val_loader {<<: *loader, dataset_id: *val}\n"
    "  model: {forward_proc: forward_batch_only, requires_grad: True}\n"
    "  optimizer: {key: SGD, kwargs: {lr: 0.1}}\n"
    "  criterion:\n"
    "    key: WeightedSumLoss\n"
    "    kwargs:\n"
    "      sub_terms:\n"
    "        ce:\n"
    "          criterion: {key: CrossEntropyLoss}\n"
    "          criterion_wrapper:\n"
    "            key: SimpleLossWrapper\n"
    "            kwargs:\n"
    "              input: {is_from_teacher: False, module_path: ., io: output}\n"
    "              target: {uses_label: True}\n"
    "          weight: 1.0\n"
    "test: {test_data_loader: *val_loader}\n";

/* A broken image is one, whether training, validation or the test comes upon it. */
Test(exits, images_that_are_broken)
{
    char *relative = source_path("tests/io/images/colour.jpg"), *image = realpath(relative, NULL);
    char *yaml = td__printf("%s/folder.yaml", dir);
    FILE *f = fopen(yaml, "w");
    cr_assert(image && f && fputs(folder, f) >= 0 && !fclose(f));
    for (const char *const *p = (const char *const[]){"train/a", "train/b", "val/a", "val/b", NULL}; *p; p++)
        shell("mkdir -p %s/%s && cp %s %s/%s/1.jpg", dir, *p, image, dir, *p);
    cr_assert_eq(chdir(dir), 0);
    expect(TD__EXIT_OK, "model: ", PLUGINS "--config folder.yaml --out well");
    shell("head -c 300 %s >%s/val/b/1.jpg", image, dir);
    expect(TD__EXIT_DATA, "val/b/1.jpg: broken JPEG", PLUGINS "--config folder.yaml --out a");
    expect(TD__EXIT_DATA, "val/b/1.jpg: broken JPEG", "test " PLUGINS "--config folder.yaml --out well");
    shell("head -c 300 %s >%s/train/b/1.jpg", image, dir);
    expect(TD__EXIT_DATA, "train/b/1.jpg: broken JPEG", PLUGINS "--config folder.yaml --out b");
    cr_expect_neq(access("b", F_OK), 0, "nothing was trained, nothing is left");
    expect(TD__EXIT_DATA, "train/b/1.jpg: broken JPEG", "check " PLUGINS "folder.yaml");
    free(relative);
    free(image);
    free(yaml);
}

Test(exits, a_loss_that_is_not_finite)
{
    expect(TD__EXIT_DIVERGED, "the loss is not finite (nan): ce = nan (weight 1)\n",
           SMALL "--set train.optimizer.kwargs.lr=1e30 --config %s/labels.yaml --out %s/a", configs, dir);
}

/* Before its first checkpoint a run that is resumed begins anew, and says so. */
Test(exits, stopped_and_gone_on_with)
{
    const char *const line = SMALL "--set +train.checkpoint_every=1 --config %s/labels.yaml --out %s/a";
    char *begun = td__printf(line, configs, dir);
    shell("mkdir %s/b && TDHOST_PLUGIN_PATH= " TD_BUILDDIR "/tdhost %s -q && cp %s/a/config.yaml %s/b", dir, begun, dir,
          dir);
    expect(TD__EXIT_OK, "holds no checkpoint yet: the run begins anew\n",
           SMALL "--set +train.checkpoint_every=1 --config %s/labels.yaml --out %s/b --resume", configs, dir);
    shell("cmp %s/a/checkpoints/best.safetensors %s/b/checkpoints/best.safetensors", dir, dir);
    for (const char *const *s = (const char *const[]){"INT", "TERM", "HUP", NULL}; *s; s++)
        expect(TD__EXIT_STOPPED, "; go on with --resume --out ",
               "%s --set train.num_epochs=9999 --out %s/%s 2>&1 & until [ -e %s/%s/checkpoints/last.json ]; do "
               "sleep 0.02; done; kill -%s $!; wait $!",
               begun, dir, *s, dir, *s, *s);
    free(begun);
}

/* Runs tdhost on a terminal of 60 columns until `first` and, behind it, `then` are shown, then types Ctrl-C; what was
 * shown, *status its wait status. */
static char *on_terminal(const char *arguments, const char *first, const char *then, int *status)
{
    struct winsize size = {.ws_row = 24, .ws_col = 60};
    struct termios modes = {.c_cflag = CS8 | CREAD | B38400, .c_lflag = ISIG, .c_cc[VINTR] = 3}; /* without echo */
    size_t room = 1 << 20, n = 0;
    char *text = calloc(1, room), *command = td__printf("exec " TD_BUILDDIR "/tdhost %s", arguments);
    int fd, typed = 0;
    pid_t pid = forkpty(&fd, NULL, &modes, &size);
    cr_assert(pid >= 0 && text && command);
    if (!pid) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    for (ssize_t part; n < room - 1 && (part = read(fd, text + n, room - 1 - n)) > 0;) {
        n += (size_t)part;
        const char *shown = strstr(text, first);
        if (!typed && shown && strstr(shown, then))
            typed = write(fd, "\003", 1) == 1;
    }
    waitpid(pid, status, 0);
    close(fd);
    free(command);
    return text;
}

Test(exits, a_terminals_line_is_rewritten_and_never_wraps)
{
    char *arguments = td__printf(SMALL "--set train.num_epochs=9999 --config %s/labels.yaml --out %s/a", configs, dir);
    int status;
    char *text = on_terminal(arguments, "train epoch 1/9999 [", "\r\033[K", &status);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == TD__EXIT_STOPPED, "%s", text);
    cr_expect(strstr(text, "\nwarning: stopped after step "), "a message has its own line: %s", text);
    const char *line = strstr(text, "train epoch 1/9999 ["), *rewritten = line ? strstr(line, "\r\033[K") : NULL;
    cr_assert(rewritten, "%s", text);
    cr_expect_eq(rewritten - line, 59, "the first line is cut: %.*s", (int)(rewritten - line), line);
    free(arguments);
    free(text);
}
