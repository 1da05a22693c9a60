/* The binary interface of SDK 0.5 on 64-bit machines, as numbers.  It compiles only while they hold.
 *
 * A line that fails is a change that old plugins would not survive.  What may be done: new fields at the end of a
 * descriptor (its size here changes, and TD_ABI_MINOR grows), new functions at the end of td_api. */
#include <td/pickle.h>
#include <td/td.h>

#define SIZE(type, size) _Static_assert(sizeof(type) == (size), "size of " #type)
#define AT(type, member, offset) _Static_assert(offsetof(type, member) == (offset), #type "." #member)

#define VALUE(constant, value) _Static_assert((constant) == (value), #constant)

#if UINTPTR_MAX == UINT64_MAX
SIZE(td_desc, 56);
AT(td_desc, dtype, 0);
AT(td_desc, ndim, 4);
AT(td_desc, shape, 8);

SIZE(td_value, 32);
AT(td_value, kind, 0);
AT(td_value, n, 4);
AT(td_value, tensor, 8);
AT(td_value, items, 16);
AT(td_value, keys, 24);

SIZE(td_ints, 16);
AT(td_ints, v, 0);
AT(td_ints, n, 8);

SIZE(td_floats, 16);
AT(td_floats, v, 0);
AT(td_floats, n, 8);

SIZE(td_strings, 16);
AT(td_strings, v, 0);
AT(td_strings, n, 8);

SIZE(td_list, 24);
AT(td_list, v, 0);
AT(td_list, keys, 8);
AT(td_list, n, 16);

SIZE(td_tap, 16);
AT(td_tap, path, 0);
AT(td_tap, io, 8);
AT(td_tap, side, 12);

SIZE(td_layer_spec, 16);
AT(td_layer_spec, key, 0);
AT(td_layer_spec, args, 8);

SIZE(td_param, 72);
AT(td_param, name, 0);
AT(td_param, type, 8);
AT(td_param, offset, 12);
AT(td_param, def, 16);
AT(td_param, doc, 24);
AT(td_param, flags, 32);
AT(td_param, size, 36);
AT(td_param, choices, 40);
AT(td_param, min, 48);
AT(td_param, max, 56);
AT(td_param, fields, 64);

SIZE(td_init, 24);
AT(td_init, how, 0);
AT(td_init, reserved, 4);
AT(td_init, a, 8);
AT(td_init, b, 16);

SIZE(td_api, 432);
AT(td_api, size, 0);
AT(td_api, major, 4);
AT(td_api, minor, 6);
AT(td_api, host_version, 8);
AT(td_api, get_interface, 16);
AT(td_api, register_type, 24);
AT(td_api, fail, 32);
AT(td_api, failed, 40);
AT(td_api, message, 48);
AT(td_api, alloc, 56);
AT(td_api, tensor, 64);
AT(td_api, read, 72);
AT(td_api, retain, 80);
AT(td_api, release, 88);
AT(td_api, detach, 96);
AT(td_api, set_grad, 104);
AT(td_api, apply, 112);
AT(td_api, module, 120);
AT(td_api, layer, 128);
AT(td_api, layer_of, 136);
AT(td_api, adopt, 144);
AT(td_api, parameter, 152);
AT(td_api, buffer, 160);
AT(td_api, call, 168);
AT(td_api, module_data, 176);
AT(td_api, find, 184);
AT(td_api, member, 192);
AT(td_api, training, 200);
AT(td_api, tapped, 208);
AT(td_api, load_module, 216);
AT(td_api, save_module, 224);
AT(td_api, io_value, 232);
AT(td_api, io_put, 240);
AT(td_api, io_supp, 248);
AT(td_api, item_image, 256);
AT(td_api, item_floats, 264);
AT(td_api, item_supp, 272);
AT(td_api, item_random, 280);
AT(td_api, dataset_length, 288);
AT(td_api, dataset_target, 296);
AT(td_api, dataset_classes, 304);
AT(td_api, dataset_get, 312);
AT(td_api, dataset_transform, 320);
AT(td_api, parallel_for, 328);
AT(td_api, run_scratch, 336);
AT(td_api, run_fail, 344);
AT(td_api, random, 352);
AT(td_api, read_file, 360);
AT(td_api, decode_image, 368);
AT(td_api, reinit, 376);
AT(td_api, redesign, 384);
AT(td_api, norm_act, 392);
AT(td_api, io_cover, 400);
AT(td_api, conv_norm_act, 408);
AT(td_api, model_of, 416);
AT(td_api, item_transform, 424);

SIZE(td_view, 64);
AT(td_view, d, 0);
AT(td_view, data, 56);

SIZE(td_op_kernel, 16);
AT(td_op_kernel, backend, 0);
AT(td_op_kernel, run, 8);

SIZE(td_grad, 64);
AT(td_grad, in, 0);
AT(td_grad, out, 8);
AT(td_grad, gout, 16);
AT(td_grad, needs, 24);
AT(td_grad, gin, 32);
AT(td_grad, in_desc, 40);
AT(td_grad, out_desc, 48);
AT(td_grad, attrs, 56);

SIZE(td_op_type, 72);
AT(td_op_type, name, 0);
AT(td_op_type, min_in, 8);
AT(td_op_type, max_in, 12);
AT(td_op_type, n_out, 16);
AT(td_op_type, attrs_size, 20);
AT(td_op_type, flags, 24);
AT(td_op_type, mutates, 28);
AT(td_op_type, save_in, 32);
AT(td_op_type, save_out, 36);
AT(td_op_type, infer, 40);
AT(td_op_type, grad, 48);
AT(td_op_type, kernels, 56);
AT(td_op_type, half_in, 64);
AT(td_op_type, half_out, 68);

SIZE(td_many, 16);
AT(td_many, n, 0);
AT(td_many, max_in, 4);
AT(td_many, attrs, 8);

SIZE(td_scalar_attrs, 16);
AT(td_scalar_attrs, a, 0);
AT(td_scalar_attrs, b, 8);

SIZE(td_dims_attrs, 8);
AT(td_dims_attrs, dims, 0);
AT(td_dims_attrs, keepdim, 4);

SIZE(td_dim_attrs, 24);
AT(td_dim_attrs, dim, 0);
AT(td_dim_attrs, a, 8);
AT(td_dim_attrs, b, 16);

SIZE(td_shape_attrs, 56);
AT(td_shape_attrs, ndim, 0);
AT(td_shape_attrs, reserved, 4);
AT(td_shape_attrs, v, 8);

SIZE(td_conv2d_attrs, 72);
AT(td_conv2d_attrs, stride, 0);
AT(td_conv2d_attrs, padding, 16);
AT(td_conv2d_attrs, dilation, 32);
AT(td_conv2d_attrs, groups, 48);
AT(td_conv2d_attrs, output_padding, 56);

SIZE(td_pool2d_attrs, 56);
AT(td_pool2d_attrs, kernel, 0);
AT(td_pool2d_attrs, stride, 16);
AT(td_pool2d_attrs, padding, 32);
AT(td_pool2d_attrs, ceil_mode, 48);
AT(td_pool2d_attrs, count_include_pad, 52);

SIZE(td_conv2d_grad_attrs, 88);
AT(td_conv2d_grad_attrs, conv, 0);
AT(td_conv2d_grad_attrs, size, 72);

SIZE(td_pool2d_grad_attrs, 72);
AT(td_pool2d_grad_attrs, pool, 0);
AT(td_pool2d_grad_attrs, size, 56);

SIZE(td_batch_norm_attrs, 24);
AT(td_batch_norm_attrs, momentum, 0);
AT(td_batch_norm_attrs, eps, 8);
AT(td_batch_norm_attrs, training, 16);
AT(td_batch_norm_attrs, relu, 20);

SIZE(td_loss_attrs, 32);
AT(td_loss_attrs, reduction, 0);
AT(td_loss_attrs, reserved, 4);
AT(td_loss_attrs, ignore_index, 8);
AT(td_loss_attrs, label_smoothing, 16);
AT(td_loss_attrs, beta, 24);

SIZE(td_matmul_attrs, 8);
AT(td_matmul_attrs, trans_a, 0);
AT(td_matmul_attrs, trans_b, 4);

SIZE(td_dropout_attrs, 24);
AT(td_dropout_attrs, p, 0);
AT(td_dropout_attrs, seed, 8);
AT(td_dropout_attrs, counter, 16);

SIZE(td_cast_attrs, 8);
AT(td_cast_attrs, dtype, 0);
AT(td_cast_attrs, reserved, 4);

SIZE(td_sgd_attrs, 40);
AT(td_sgd_attrs, lr, 0);
AT(td_sgd_attrs, momentum, 8);
AT(td_sgd_attrs, dampening, 16);
AT(td_sgd_attrs, weight_decay, 24);
AT(td_sgd_attrs, nesterov, 32);
AT(td_sgd_attrs, first, 36);

SIZE(td_adam_attrs, 56);
AT(td_adam_attrs, lr, 0);
AT(td_adam_attrs, beta1, 8);
AT(td_adam_attrs, beta2, 16);
AT(td_adam_attrs, eps, 24);
AT(td_adam_attrs, weight_decay, 32);
AT(td_adam_attrs, step, 40);
AT(td_adam_attrs, decoupled, 48);
AT(td_adam_attrs, reserved, 52);

SIZE(td_slice_attrs, 32);
AT(td_slice_attrs, dim, 0);
AT(td_slice_attrs, start, 8);
AT(td_slice_attrs, end, 16);
AT(td_slice_attrs, step, 24);

SIZE(td_pad_attrs, 32);
AT(td_pad_attrs, dim, 0);
AT(td_pad_attrs, before, 8);
AT(td_pad_attrs, after, 16);
AT(td_pad_attrs, value, 24);

SIZE(td_module_type, 32);
AT(td_module_type, name, 0);
AT(td_module_type, data_size, 8);
AT(td_module_type, reserved, 12);
AT(td_module_type, forward, 16);
AT(td_module_type, forward_value, 24);

SIZE(td_type, 40);
AT(td_type, key, 0);
AT(td_type, aliases, 8);
AT(td_type, summary, 16);
AT(td_type, params, 24);
AT(td_type, params_size, 32);
AT(td_type, reserved, 36);

SIZE(td_item_view, 32);
AT(td_item_view, width, 0);
AT(td_item_view, height, 4);
AT(td_item_view, channels, 8);
AT(td_item_view, reserved, 12);
AT(td_item_view, pixels, 16);
AT(td_item_view, values, 24);

SIZE(td_item_head, 56);
AT(td_item_head, image, 0);
AT(td_item_head, target, 32);
AT(td_item_head, index, 40);
AT(td_item_head, epoch, 48);

SIZE(td_dataset_type, 104);
AT(td_dataset_type, type, 0);
AT(td_dataset_type, data_size, 40);
AT(td_dataset_type, reserved, 44);
AT(td_dataset_type, open, 48);
AT(td_dataset_type, close, 56);
AT(td_dataset_type, length, 64);
AT(td_dataset_type, get, 72);
AT(td_dataset_type, target, 80);
AT(td_dataset_type, classes, 88);
AT(td_dataset_type, class_name, 96);

SIZE(td_dataset_wrapper_type, 80);
AT(td_dataset_wrapper_type, type, 0);
AT(td_dataset_wrapper_type, data_size, 40);
AT(td_dataset_wrapper_type, reserved, 44);
AT(td_dataset_wrapper_type, open, 48);
AT(td_dataset_wrapper_type, close, 56);
AT(td_dataset_wrapper_type, length, 64);
AT(td_dataset_wrapper_type, get, 72);

SIZE(td_transform_type, 56);
AT(td_transform_type, type, 0);
AT(td_transform_type, apply, 40);
AT(td_transform_type, augment, 48);

SIZE(td_sampler_type, 48);
AT(td_sampler_type, type, 0);
AT(td_sampler_type, order, 40);

SIZE(td_io_head, 80);
AT(td_io_head, c, 0);
AT(td_io_head, target, 8);
AT(td_io_head, index, 16);
AT(td_io_head, state, 24);
AT(td_io_head, supp, 32);
AT(td_io_head, epoch, 64);
AT(td_io_head, step, 72);

SIZE(td_model_type, 48);
AT(td_model_type, type, 0);
AT(td_model_type, build, 40);

SIZE(td_layer_type, 48);
AT(td_layer_type, type, 0);
AT(td_layer_type, build, 40);

SIZE(td_wrapper_type, 80);
AT(td_wrapper_type, type, 0);
AT(td_wrapper_type, build, 40);
AT(td_wrapper_type, secondary_forward, 48);
AT(td_wrapper_type, post_epoch, 56);
AT(td_wrapper_type, connect, 64);
AT(td_wrapper_type, flags, 72);
AT(td_wrapper_type, reserved, 76);

SIZE(td_loss_type, 80);
AT(td_loss_type, type, 0);
AT(td_loss_type, needs, 40);
AT(td_loss_type, reserved, 44);
AT(td_loss_type, forward, 48);
AT(td_loss_type, compare, 56);
AT(td_loss_type, build, 64);
AT(td_loss_type, min_batch, 72);
AT(td_loss_type, reserved2, 76);

SIZE(td_loss_wrapper_type, 56);
AT(td_loss_wrapper_type, type, 0);
AT(td_loss_wrapper_type, forward, 40);
AT(td_loss_wrapper_type, wraps, 48);
AT(td_loss_wrapper_type, reserved, 52);

SIZE(td_term, 24);
AT(td_term, name, 0);
AT(td_term, weight, 8);
AT(td_term, value, 16);

SIZE(td_criterion_type, 48);
AT(td_criterion_type, type, 0);
AT(td_criterion_type, combine, 40);

SIZE(td_forward_proc_type, 48);
AT(td_forward_proc_type, type, 0);
AT(td_forward_proc_type, forward, 40);

SIZE(td_optimizer_type, 80);
AT(td_optimizer_type, type, 0);
AT(td_optimizer_type, n_state, 40);
AT(td_optimizer_type, reserved, 44);
AT(td_optimizer_type, state_names, 48);
AT(td_optimizer_type, update, 56);
AT(td_optimizer_type, check, 64);
AT(td_optimizer_type, update_parts, 72);

SIZE(td_scheduler_type, 48);
AT(td_scheduler_type, type, 0);
AT(td_scheduler_type, lr, 40);

SIZE(td_result, 48);
AT(td_result, kind, 0);
AT(td_result, reserved, 4);
AT(td_result, i, 8);
AT(td_result, f, 16);
AT(td_result, s, 24);
AT(td_result, datasets, 32);
AT(td_result, n, 40);

SIZE(td_function_type, 48);
AT(td_function_type, type, 0);
AT(td_function_type, call, 40);

SIZE(td_backend_type, 160);
AT(td_backend_type, type, 0);
AT(td_backend_type, score, 40);
AT(td_backend_type, open, 48);
AT(td_backend_type, close, 56);
AT(td_backend_type, alloc, 64);
AT(td_backend_type, free, 72);
AT(td_backend_type, copy_in, 80);
AT(td_backend_type, copy_out, 88);
AT(td_backend_type, kernel, 96);
AT(td_backend_type, last_error, 104);
AT(td_backend_type, memory, 112);
AT(td_backend_type, branch, 120);
AT(td_backend_type, capture_begin, 128);
AT(td_backend_type, capture_end, 136);
AT(td_backend_type, replay, 144);
AT(td_backend_type, graph_free, 152);

SIZE(td_pickle_api, 80);
AT(td_pickle_api, size, 0);
AT(td_pickle_api, reserved, 4);
AT(td_pickle_api, open, 8);
AT(td_pickle_api, close, 16);
AT(td_pickle_api, root, 24);
AT(td_pickle_api, get, 32);
AT(td_pickle_api, length, 40);
AT(td_pickle_api, at, 48);
AT(td_pickle_api, integer, 56);
AT(td_pickle_api, text, 64);
AT(td_pickle_api, array, 72);

SIZE(td_static_plugin, 16);
AT(td_static_plugin, manifest, 0);
AT(td_static_plugin, entry, 8);
#endif

VALUE(TD_ABI_MAJOR, 0);
VALUE(TD_MAX_DIMS, 6);
VALUE(TD_FLOAT32, 0);
VALUE(TD_FLOAT64, 1);
VALUE(TD_BFLOAT16, 2);
VALUE(TD_FLOAT16, 3);
VALUE(TD_INT64, 4);
VALUE(TD_INT32, 5);
VALUE(TD_UINT8, 6);
VALUE(TD_BOOL, 7);
VALUE(TD_OK, 0);
VALUE(TD_ERROR, -1);
VALUE(TD_VALUE_NONE, 0);
VALUE(TD_VALUE_TENSOR, 1);
VALUE(TD_VALUE_TUPLE, 2);
VALUE(TD_VALUE_DICT, 3);
VALUE(TD_P_INT, 1);
VALUE(TD_P_FLOAT, 2);
VALUE(TD_P_BOOL, 3);
VALUE(TD_P_STRING, 4);
VALUE(TD_P_INTS, 5);
VALUE(TD_P_FLOATS, 6);
VALUE(TD_P_STRINGS, 7);
VALUE(TD_P_STRUCT, 8);
VALUE(TD_P_LIST, 9);
VALUE(TD_P_MAP, 10);
VALUE(TD_P_TAP, 11);
VALUE(TD_P_TAP_IO, 12);
VALUE(TD_P_OBJECT, 13);
VALUE(TD_P_FILE, 14);
VALUE(TD_P_LAYER, 15);
VALUE(TD_P_MODEL, 16);
VALUE(TD_NULLABLE, 1);
VALUE(TD_SIDE_STUDENT, 2);
VALUE(TD_SIDE_TEACHER, 4);
VALUE(TD_PARAM_IGNORED, 8);
VALUE(TD_AS_WRITTEN, 64);
VALUE(TD_PARAM_SAMPLES, 128);
VALUE(TD_PARAM_OPEN, 16);
VALUE(TD_TAP_INPUT, 32);
VALUE(TD_INPUT, 0);
VALUE(TD_OUTPUT, 1);
VALUE(TD_STUDENT, 0);
VALUE(TD_TEACHER, 1);
VALUE(TD_LOG_ERROR, 0);
VALUE(TD_LOG_WARN, 1);
VALUE(TD_LOG_INFO, 2);
VALUE(TD_LOG_DEBUG, 3);
VALUE(TD_INIT_ZEROS, 0);
VALUE(TD_INIT_ONES, 1);
VALUE(TD_INIT_CONSTANT, 2);
VALUE(TD_INIT_UNIFORM, 3);
VALUE(TD_INIT_NORMAL, 4);
VALUE(TD_INIT_KAIMING_UNIFORM, 5);
VALUE(TD_INIT_KAIMING_NORMAL, 6);
VALUE(TD_INIT_FAN_IN_UNIFORM, 7);
VALUE(TD_OP_MAX_IN, 6);
VALUE(TD_OP_MAX_OUT, 4);
VALUE(TD_OP_INPLACE, 1);
VALUE(TD_OP_TOGETHER, 16);
VALUE(TD_OP_VIEW, 4);
VALUE(TD_OP_AUTOCAST, 8);
VALUE(TD_OP_MOVES, 32);
VALUE(TD_OP_NONDIFF, 2);
VALUE(TD_MEAN, 0);
VALUE(TD_SUM, 1);
VALUE(TD_BATCHMEAN, 2);
VALUE(TD_NO_REDUCTION, 3);
VALUE(TD_KIND_MODEL, 1);
VALUE(TD_KIND_LAYER, 2);
VALUE(TD_KIND_WRAPPER, 3);
VALUE(TD_KIND_LOSS, 4);
VALUE(TD_KIND_LOSS_WRAPPER, 5);
VALUE(TD_KIND_CRITERION, 6);
VALUE(TD_KIND_DATASET, 7);
VALUE(TD_KIND_DATASET_WRAPPER, 8);
VALUE(TD_KIND_TRANSFORM, 9);
VALUE(TD_KIND_SAMPLER, 10);
VALUE(TD_KIND_FORWARD_PROC, 11);
VALUE(TD_KIND_OPTIMIZER, 12);
VALUE(TD_KIND_SCHEDULER, 13);
VALUE(TD_KIND_FUNCTION, 14);
VALUE(TD_KIND_BACKEND, 15);
VALUE(TD_KIND_OP, 16);
VALUE(TD_NEEDS_TARGET, 1);
VALUE(TD_NEEDS_INDEX, 2);
VALUE(TD_NEEDS_TEACHER_GRAD, 4);
VALUE(TD_NOT_CACHEABLE, 8);
VALUE(TD_WRAPS_COMPARE, 0);
VALUE(TD_WRAPS_FORWARD, 1);
VALUE(TD_NOTE_TYPE, 1);
