"""Show a URDF in viser, and print the poses of two links at joint angles from a file, as 4 x 4 matrices."""

import json
import sys
from pathlib import Path

import viser
import yourdfpy
from viser.extras import ViserUrdf

urdf = yourdfpy.URDF.load(sys.argv[1], build_collision_scene_graph=True, load_collision_meshes=True)
server = viser.ViserServer(host="127.0.0.1", port=0, verbose=False)
shown = ViserUrdf(server, urdf, load_meshes=True, load_collision_meshes=True)
poses = {"hand_tcp": [], "grasp": []}
for angles in json.loads(Path(sys.argv[2]).read_text()):
    shown.update_cfg([angles[name] for name in shown.get_actuated_joint_names()])
    for link, found in poses.items():
        found.append(urdf.get_transform(link, "base_link").tolist())

print(json.dumps({"poses": poses, "limits": shown.get_actuated_joint_limits(), "shapes": len(urdf.scene.geometry)}))
server.stop()
