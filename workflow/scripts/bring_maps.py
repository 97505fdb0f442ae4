"""Take maps and predictions that the user brings for those of one model."""

from augcam.explanation.brought import brought
from augcam.explanation.maps import save_explanations
from augcam.files.json import read_json, write_json
from augcam.files.tables import read_table
from augcam.run.job import job

with job(snakemake):
    files, output = snakemake.input, snakemake.output
    index = read_table(files.index, ["image_id", "split", "label", "source"])
    test = index[index["split"] == "test"]
    ids, labels = (test[name].to_numpy() for name in ("image_id", "label"))
    classes = read_json(files.stats)["class_names"]
    found = brought(files.maps, files.predictions, ids, list(test["source"]), labels, len(classes))
    right = (found.target == labels).mean()
    print(f"accuracy of these predictions on the {len(labels)} test images: {right:.3f}")
    height, width = found.cam.shape[1:]
    record = {"architecture": "", "arguments": {}, "cam_layer": "", "parameters": 0}
    record |= {"feature_map": [height, width], "random_layers": False}
    write_json(record, output.network)
    save_explanations(found, labels, "", "brought", output.cams, output.predictions)
