"""VIDLoss: Ahn et al., CVPR 2019, section 3, as a mean; the regressors of VariationalDistributor4VID."""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tools/vectors"))
import torch
from vectors import Vectors


def vid(name, seed, kwargs_name=None):
    v, total, pairs, regressors = Vectors(__file__, name, seed), 0, {}, {}
    for i, weight in ((1, 1.0), (2, 0.3)):
        path = f"regressor_dict.regressor{i}"
        t = v.normal(f"teacher|layer{i}|output", 3, 4, 2, 2)
        if kwargs_name:
            x = v.normal(f"student|student_model.layer{i}|output", 3, 2, 2, 2)
            w = [v.normal(f"param|{path}.regressor.{k}.weight", o, n, 1, 1) for k, n, o in ((0, 2, 3), (2, 3, 3), (4, 3, 4))]
            a = v.normal(f"param|{path}.soft_plus_param", 4)
            mean = torch.einsum("oi,bihw->bohw", w[0][:, :, 0, 0], x)
            mean = torch.einsum("oi,bihw->bohw", w[1][:, :, 0, 0], mean.clamp(min=0))
            mean = torch.einsum("oi,bihw->bohw", w[2][:, :, 0, 0], mean.clamp(min=0))
            variance = torch.log(1 + torch.exp(a))[None, :, None, None] + 1e-5
            regressors[f"regressor{i}"] = {"path": f"student_model.layer{i}", "io": "output", kwargs_name: dict(
                in_channels=2, middle_channels=3, out_channels=4, eps=1e-5, init_pred_var=5.0)}
        else:
            mean = v.normal(f"student|{path}|output|0", 3, 4, 2, 2)
            variance = v.normal(f"student|{path}|output|1", 1, 4, 1, 1, positive=True)
        total = total + weight * (0.5 * ((mean - t) ** 2 / variance + torch.log(variance))).mean()
        pairs[f"pair{i}"] = dict(student=dict(path=path, io="output"), teacher=dict(path=f"layer{i}", io="output"), weight=weight)
    more = dict(student_wrapper=dict(key="VariationalDistributor4VID", kwargs=dict(regressors=regressors))) if kwargs_name else {}
    v.write(total, "VIDLoss", dict(feature_pairs=pairs), **more)


vid("vid", 1)
vid("vid_wrapper", 2, "kwargs")
vid("vid_alias", 3, "regressor_kwargs")
