/* What does not fit is said clearly: at `check` where the plan can know, else in the first step. */
#include <criterion/criterion.h>
#include <string.h>

#include "host/base/file.h"
#include "tests/paths.h"
#include "tests/shell.h"

#define DRAWN                                                                                                          \
    "'!import_call {key: DrawnShapes, init: {kwargs: {length: 64, transform: "                                         \
    "!import_call {key: torchvision.transforms.ToTensor, init: }}}}' "
#define SMALL                                                                                                          \
    "--set datasets.cifar100/train=" DRAWN "--set datasets.cifar100/test=" DRAWN                                       \
    "--set models.teacher_model.key=resnet14 --set models.teacher_model.src_ckpt=null --set "                          \
    "models.student_model.key=resnet8 "
#define TERMS "train.criterion.kwargs.sub_terms."

/* A recipe of configs/cifar100, changed by `sets`, ends with `code` and all of `expected` (up to NULL) in the message. */
static void ends(const char *command, const char *recipe, const char *sets, int code, const char *const *expected)
{
    char *folder = source_path("configs/cifar100");
    char *arguments = td__printf("%s --config %s/%s.yaml " PLUGINS SMALL "%s", command, folder, recipe, sets);
    struct shell got = tdhost(arguments);
    cr_expect_eq(got.code, code, "%s: %d\n%s", arguments, got.code, got.text);
    for (; *expected; expected++)
        cr_expect(strstr(got.text, *expected), "%s: %s\nlacks: %s", recipe, got.text, *expected);
    cr_expect(!strstr(got.text, "nan"), "%s", got.text);
    free(got.text);
    free(arguments);
    free(folder);
}

static void accepted(const char *recipe, const char *sets) { ends("check", recipe, sets, 0, (const char *const[]){NULL}); }

#define REFUSED(recipe, sets, ...) ends("check", recipe, sets, 3, (const char *const[]){__VA_ARGS__, NULL})

Test(bad_input, taps_that_do_not_exist)
{
    REFUSED("kd", "--set " TERMS "kd.criterion.kwargs.student_module_path=fcc",
            "student: no module 'fcc' (did you mean 'fc'?)");
    REFUSED("crd", "--set " TERMS "crd.criterion.kwargs.teacher_norm_module_path=normaliser",
            "teacher: no module 'normaliser' (did you mean 'normalizer'?)");
    REFUSED("ofd", "--set train.student.auxiliary_model_wrapper.kwargs.connectors.layer2.path=student_model.layer5",
            "student: no module 'student_model.layer5'", "'student_model.layer1'");
}

Test(bad_input, modules_that_are_not_what_a_wrapper_needs)
{
    REFUSED("ofd",
            "--set train.teacher.auxiliary_model_wrapper.kwargs.margins.layer2.bn_path=teacher_model.layer2.-1.conv2",
            "'teacher_model.layer2.-1.conv2' is no batch norm with weight and bias");
    REFUSED("catkd", "--set train.student.auxiliary_model_wrapper.kwargs.classifier_path=layer1",
            "'layer1' is no linear layer");
    REFUSED("simkd", "--set train.student.auxiliary_model_wrapper.kwargs.teacher_classifier_path=fcc",
            "Student4SimKD: no module 'fcc' (did you mean 'fc'?)");
    REFUSED("simkd", "--set train.student.auxiliary_model_wrapper.kwargs.num_classes=10", "[10, 64]", "[100, 64]");
    REFUSED("simkd", "--set train.student.auxiliary_model_wrapper.sequential=[]", "gives no feature map",
            "`sequential`");
}

Test(bad_input, shapes_that_do_not_match_and_what_would_make_them)
{
    REFUSED("srrl", "--set " TERMS "srrl.criterion.kwargs.teacher_feature_module_path=layer2",
            "[2, 64, 1, 1] and target [2, 32, 16, 16]", "output of student 'connector' [2, 64, 1, 1]",
            "output of teacher 'layer2' [2, 32, 16, 16]",
            "a 1x1 convolution from 64 to 32 channels behind student 'connector' would fit them",
            "the larger map pooled to 1 x 1 would have the other's size");
    REFUSED("kd", "--set models.student_model.kwargs.num_classes=10", "[2, 10]", "[2, 100]", "output of teacher '.'",
            "output of student '.'", "a linear layer from 10 to 100 behind student '.' would fit them");
    REFUSED("at", "--set " TERMS "at.criterion.kwargs.at_pairs.layer3.teacher.path=layer1", "[2, 64] and [2, 1024]",
            "output of student 'layer3' [2, 64, 8, 8]", "output of teacher 'layer1' [2, 16, 32, 32]");
}

/* The trial has the modules of losses, too: what does not fit them is said at the term, with what was tapped. */
Test(bad_input, shapes_of_a_loss_with_modules)
{
    REFUSED("mgd", "--set " TERMS "mgd.criterion.kwargs.teacher_module_path=layer2",
            "configs/cifar100/mgd.yaml:74:11: mgd: mse_loss", "[2, 64, 8, 8] and target [2, 32, 16, 16]",
            "output of student 'layer3' [2, 64, 8, 8]", "output of teacher 'layer2' [2, 32, 16, 16]");
    REFUSED("semckd", "--set " TERMS "semckd.criterion.kwargs.student_layers.1.channels=24",
            "configs/cifar100/semckd.yaml:86:11: semckd: ", "[2, 32, 16, 16] has 32 channels",
            "output of student 'layer2' [2, 32, 16, 16]");
    REFUSED("semckd", "--set +" TERMS "semckd.criterion.kwargs.factor=1000", "semckd.yaml:86:11: semckd: factor 1000");
    REFUSED("crd", "--set " TERMS "crd.criterion.kwargs.input_size=64", "configs/cifar100/crd.yaml:95:11: crd: ",
            "input_size is 64", "have 128 and 128 numbers");
}

#define TWENTY_ONE                                                                                                     \
    "--set train.train_data_loader.kwargs.batch_size=21 --set train.train_data_loader.kwargs.drop_last="

Test(bad_input, relations_between_samples_need_two)
{
    static const char *const recipes[] = {"rkd", "pkt", "spkd", "cckd", "dist", "dist_plus", "skd"};
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++) {
        char *place = td__printf("configs/cifar100/%s.yaml:4", recipes[i]); /* line 4x, of the loader */
        REFUSED(recipes[i], "--set train.train_data_loader.kwargs.batch_size=1", place,
                "'batch_size' is 1, but ", "needs 2 samples or more in a batch");
        /* 64 samples */
        REFUSED(recipes[i], TWENTY_ONE "false", place,
                "64 samples in batches of 21 leave 1 for the last one", "'drop_last: true'");
        free(place);
    }
    REFUSED("rkd",
            "--set train.train_data_loader.kwargs.batch_size=8 --set train.train_data_loader.kwargs.drop_last=false "
            "--set 'train.train_data_loader.sampler.kwargs={num_samples: 33}'",
            "33 samples in batches of 8 leave 1");
    REFUSED("rkd", "--set train.train_data_loader.kwargs.batch_size=65", "configs/cifar100/rkd.yaml:49:5: drop_last leaves no batch");
    accepted("rkd", TWENTY_ONE "true");
    accepted("kd", TWENTY_ONE "false");
    REFUSED("semckd", "--set " TERMS "semckd.criterion.kwargs.batch_size=1", "'batch_size'", "1");
}

#define ONE_MORE                                                                                                       \
    "'!import_call {key: DrawnShapes, init: {kwargs: {length: 50001, transform: "                                      \
    "!import_call {key: torchvision.transforms.ToTensor, init: }}}}' "

Test(bad_input, fewer_rows_than_samples)
{
    REFUSED("crd", "--set datasets.cifar100/train=" ONE_MORE,
            "configs/cifar100/crd.yaml:5:15: 'num_samples' of CRDLoss is 50000, but the training data has 50001 samples",
            "num_samples: 50001");
    REFUSED("crd", "--set " TERMS "crd.criterion.kwargs.num_samples=63",
            "'num_samples' of CRDLoss is 63, but the training data has 64 samples", "num_samples: 64");
    accepted("crd", "--set " TERMS "crd.criterion.kwargs.num_samples=64");
}

/* Models inside a model are read like any: names, keys and numbers at their places. */
Test(bad_input, peers)
{
    static const struct {
        const char *set, *expected;
    } wrong[] = {
        {"models.model.kwargs.models.1.key=resnet2", "no plugin brings a model 'resnet2' (did you mean 'resnet', 'resnet20' or"},
        {"models.model.kwargs.models.2.kwargs.num_class=5", "unknown key 'num_class' in resnet32 (did you mean 'num_classes'?)"},
        {"models.model.kwargs.models=[]", "'models' in Peers holds 0 networks"},
        {"models.model.kwargs.models.0.key=CrossEntropyLoss", "'CrossEntropyLoss' is a loss, not a model"},
        {"models.model.kwargs.evaluated=3", "the last of 3 networks is number 2"},
        {TERMS "dml.criterion.kwargs.student_module_paths=[0, 3]", "model: no module '3'"},
        {TERMS "dml.criterion.kwargs.student_module_paths=[0]", "needs two networks at least, not 1"},
        {"models.model.kwargs.models.2.kwargs.num_classes=10", "[2, 10]"},
    };
    char *file = source_path("configs/cifar100/dml_peers.yaml");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char *arguments = td__printf("check --config %s " PLUGINS "--set datasets.cifar100/train=" DRAWN
                                     "--set datasets.cifar100/test=" DRAWN "--set '%s%s'",
                                     file, strstr(wrong[i].set, "num_class=") ? "+" : "", wrong[i].set);
        struct shell got = tdhost(arguments);
        cr_expect_eq(got.code, 3, "%s: %d\n%s", wrong[i].set, got.code, got.text);
        cr_expect(strstr(got.text, wrong[i].expected), "%s: %s\nlacks: %s", wrong[i].set, got.text, wrong[i].expected);
        free(got.text);
        free(arguments);
    }
    free(file);
}

Test(bad_input, classes_must_differ)
{
    REFUSED(
        "dkd",
        "--set models.teacher_model.kwargs.num_classes=1 --set models.student_model.kwargs.num_classes=1 --set " TERMS
        "ce.weight=0",
        "two classes at least");
}
