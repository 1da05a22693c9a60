/* Every method trains: its configuration runs for some steps and its loss falls.  Those of configs/drawn as they are but
 * smaller; those of configs/cifar100 on drawn images, with shallow networks of the same kind. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <glob.h>
#include <jansson.h>
#include <string.h>

#include "host/base/file.h"
#include "tests/paths.h"
#include "tests/shell.h"

struct losses {
    double first, last; /* means of five steps of the last stage */
    int n;
};

static struct losses read_losses(const char *path)
{
    struct losses got = {0, 0, 0};
    double v[256];
    char stage[32] = "", line[16384];
    FILE *f = fopen(path, "r");
    cr_assert(f, "%s", path);
    while (fgets(line, sizeof line, f) && got.n < 256) {
        json_t *o = json_loads(line, 0, NULL);
        const char *event = json_string_value(json_object_get(o, "event")), *now = json_string_value(json_object_get(o, "stage"));
        if (event && !strcmp(event, "step")) {
            if (now && strcmp(now, stage))
                got.n = 0;
            snprintf(stage, sizeof stage, "%s", now ? now : "");
            v[got.n++] = json_number_value(json_object_get(o, "loss"));
        }
        json_decref(o);
    }
    fclose(f);
    for (int i = 0; i < 5 && got.n >= 10; i++) {
        got.first += v[i] / 5;
        got.last += v[got.n - 1 - i] / 5;
    }
    return got;
}

/* Epochs of ten steps, of the last stage.  AddressSanitizer is slow and sees what it can see in the first steps. */
#if defined __SANITIZE_ADDRESS__
#define EPOCHS "1"
#define EPOCHS_OF_LABELS "1"
#else
#define EPOCHS "3"
#define EPOCHS_OF_LABELS "9" /* a network this small on labels alone: after three, some seeds' loss has not fallen yet */
#endif

/* Runs a file with further arguments, into dir/run; the loss of the last stage falls over its epochs, if three or more. */
static void trains(const char *file, const char *dir, const char *epochs, const char *more)
{
    char *log = td__printf("%s/run/log.jsonl", dir);
    char *arguments = td__printf("--config %s " PLUGINS "--out %s/run --seed 3 --set train.log_freq=1 %s", file, dir, more);
    struct shell got = tdhost(arguments);
    cr_assert_eq(got.code, 0, "%s: %s", file, got.text);
    struct losses l = read_losses(log);
    cr_expect_eq(l.n, 10 * atoi(epochs), "%s: %d steps", file, l.n);
    cr_expect(l.n < 30 || l.last < 0.97 * l.first, "%s: the loss went from %g to %g", file, l.first, l.last);
    free(got.text);
    free(arguments);
    free(log);
}

/* ---- configs/drawn ---- */

static void drawn(const char *name, const char *epochs, const char *more)
{
    char dir[] = "/tmp/td_methods_XXXXXX";
    cr_assert(mkdtemp(dir));
    char *folder = source_path("configs/drawn"), *file = td__printf("%s/%s.yaml", folder, name);
    char *arguments = td__printf("--set datasets.drawn/train.init.kwargs.length=320 --set datasets.drawn/train.init.kwargs.label_noise=0 "
                                 "--set datasets.drawn/test.init.kwargs.length=50 %s%s%s",
                                 more, strstr(more, "_paraphraser") ? dir : "",
                                 strstr(more, "_paraphraser") ? "/paraphraser.safetensors" : "");
    trains(file, dir, epochs, arguments);
    remove_tree(dir);
    free(arguments);
    free(file);
    free(folder);
}

#define SMALL "--set train.num_epochs=" EPOCHS " --set train.train_data_loader.kwargs.batch_size=32 "
#define SMALL_STAGES "--set train.stage1.num_epochs=1 --set train.stage2.num_epochs=" EPOCHS " --set train.stage1.train_data_loader.kwargs.batch_size=32 "
#define UNTRAINED "--set models.teacher_model.src_ckpt=null "

Test(drawn, labels) { drawn("labels", EPOCHS_OF_LABELS, SMALL "--set train.num_epochs=" EPOCHS_OF_LABELS " "); }
Test(drawn, kd) { drawn("distilled", EPOCHS, SMALL UNTRAINED); }
Test(drawn, at) { drawn("at", EPOCHS, SMALL UNTRAINED); }
Test(drawn, fitnet) { drawn("fitnet", EPOCHS, SMALL_STAGES UNTRAINED); }
Test(drawn, ft) { drawn("ft", EPOCHS, SMALL_STAGES UNTRAINED "--set _paraphraser="); }
Test(drawn, crd)
{
    drawn("crd", EPOCHS, SMALL UNTRAINED "--set train.criterion.kwargs.sub_terms.crd.criterion.kwargs.num_samples=320 "
                                  "--set train.criterion.kwargs.sub_terms.crd.criterion.kwargs.output_size=320 "
                                  "--set train.criterion.kwargs.sub_terms.crd.criterion.kwargs.num_negative_samples=64 "
                                  "--set train.train_data_loader.dataset_wrapper.kwargs.num_negative_samples=64 ");
}
Test(drawn, knowledge_review) { drawn("kr", EPOCHS, SMALL UNTRAINED); }

/* ---- configs/cifar100 ---- */

#define DRAWN(n) "'!import_call {key: DrawnShapes, init: {kwargs: {length: " #n ", transform: " \
                 "!import_call {key: torchvision.transforms.ToTensor, init: }}}}' "

#define RESNET8 "{key: resnet8, kwargs: {num_classes: 100}}"
#define THREE "[" RESNET8 ", " RESNET8 ", {key: resnet14, kwargs: {num_classes: 100}}]"

struct recipe {
    char file[256];
};

ParameterizedTestParameters(cifar100, recipe)
{
    static struct recipe recipes[100];
    char *pattern = source_path("configs/cifar100/*.yaml");
    glob_t files;
    size_t n = 0;
    if (!glob(pattern, 0, NULL, &files)) {
        for (; n < files.gl_pathc && n < sizeof recipes / sizeof *recipes; n++)
            snprintf(recipes[n].file, sizeof recipes[n].file, "%s", files.gl_pathv[n]);
        globfree(&files);
    }
    free(pattern);
    return cr_make_param_array(struct recipe, recipes, n);
}

/* What a recipe needs changed to run small: whatever it has of these. */
static char *smaller(const char *text, const char *dir)
{
    static const struct {
        const char *has, *set;
    } changes[] = {
        {"\n  teacher_model:", "--set models.teacher_model.key=resnet14 --set models.teacher_model.src_ckpt=null "},
        {"\n  student_model:", "--set models.student_model.key=resnet8 --set models.student_model.src_ckpt=null "},
        {"\n  model:", "--set models.model.key=resnet8 "},
        {"\n    key: Peers", "--set models.model.key=Peers --set 'models.model.kwargs.models=" THREE "' "},
        {"\n  num_epochs:", "--set train.num_epochs=" EPOCHS " "},
        {"\n  train_data_loader:", "--set train.train_data_loader.kwargs.batch_size=32 "},
        {"\n  stage1:", "--set train.stage1.num_epochs=1 --set train.stage2.num_epochs=" EPOCHS " "
                        "--set train.stage1.train_data_loader.kwargs.batch_size=32 "},
        {"\n_num_samples:", "--set _num_samples=320 "},
        {"\n_num_negative_samples:", "--set _num_negative_samples=64 "},
    };
    char *sets = td__printf("--set datasets.cifar100/train=" DRAWN(320) "--set datasets.cifar100/test=" DRAWN(50) "--set _weights=%s ", dir);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        if (strstr(text, changes[i].has)) {
            char *longer = td__printf("%s%s", sets, changes[i].set);
            free(sets);
            sets = longer;
        }
    return sets;
}

ParameterizedTest(struct recipe *recipe, cifar100, recipe)
{
    char dir[] = "/tmp/td_methods_XXXXXX";
    size_t size;
    char *text = td__file_read(recipe->file, &size);
    cr_assert(mkdtemp(dir) && text);
    char *sets = smaller(text, dir);
    trains(recipe->file, dir, EPOCHS, sets);
    remove_tree(dir);
    free(sets);
    free(text);
}

/* ---- a wrapper that predicts ---- */

/* SimKD's student is tested and saved with its projector and the teacher's classifier, and read so by `tdhost test`. */
Test(simkd, the_wrapper_is_deployed)
{
    char dir[] = "/tmp/td_methods_XXXXXX", line[80] = "";
    cr_assert(mkdtemp(dir));
    char *file = source_path("configs/cifar100/simkd.yaml"), *sets = smaller("\n  teacher_model:\n  student_model:", dir);
    char *arguments = td__printf("--config %s " PLUGINS "--out %s/run --student-only %s --set train.num_epochs=1 ", file, dir, sets);
    char *test = td__printf("test %s", arguments), *weights = td__printf("%s/run/checkpoints/best.safetensors", dir);
    struct shell trained = tdhost(arguments), tested = tdhost(test);
    cr_assert(trained.code == 0 && tested.code == 0, "%s%s", trained.text, tested.text);
    const char *said = strstr(tested.text, "student: ");
    cr_assert(said, "%s", tested.text);
    snprintf(line, sizeof line, "%.*s", (int)strcspn(said, "\n"), said);
    cr_expect(strstr(trained.text, line), "%s\nlacks: %s", trained.text, line);
    size_t size;
    char *saved = td__file_read(weights, &size);
    cr_assert(saved && size > 8);
    saved[size - 1] = 0;
    cr_expect(strstr(saved + 8, "\"classifier.weight\"") && strstr(saved + 8, "\"projector.0.weight\"") &&
              !strstr(saved + 8, "\"student_model.fc.weight\""));
    remove_tree(dir);
    free(saved);
    free(trained.text);
    free(tested.text);
    free(weights);
    free(test);
    free(arguments);
    free(sets);
    free(file);
}
