#!/usr/bin/env bash
# OpenCV 5.0.0: a network camera in the room is asked for through the proxy that the shell names for the internet.
#
# One would guess: VideoCapture of an address on this computer or network connects to it.
# What happens: the FFmpeg inside reads `http_proxy`, also for 127.0.0.1, and where the proxy can not reach the camera
# `isOpened()` is False, without a word why. The option `http_proxy;none` in OPENCV_FFMPEG_CAPTURE_OPTIONS ends it.
#
# Public packages alone, in a temporary folder. Fails if the behaviour changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q opencv-python-headless==5.0.0.93 numpy==2.4.6
cat > "$folder/camera.py" <<'PYTHON'
import os, subprocess, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
import cv2
import numpy as np

PICTURE = cv2.imencode(".jpg", np.full((64, 64, 3), 128, np.uint8))[1].tobytes()

class Camera(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=x")
        self.end_headers()
        for _ in range(50):
            self.wfile.write(b"--x\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(PICTURE) + PICTURE + b"\r\n")
    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", 0), Camera)
server.handle_error = lambda *_: None  # who looked has gone
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}/camera.mjpg"
LOOK = "import cv2, sys; print(cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG).isOpened())"
plain = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}

def opened(**more):
    done = subprocess.run([sys.executable, "-c", LOOK, url], env=plain | more, capture_output=True, text=True, timeout=60)
    return done.stdout.strip()

dead = {"http_proxy": "http://127.0.0.1:9"}
seen = [opened(), opened(**dead), opened(**dead, OPENCV_FFMPEG_CAPTURE_OPTIONS="http_proxy;none")]
print(f"OpenCV {cv2.__version__}: without a proxy {seen[0]}, with one that can not reach it {seen[1]}, told none {seen[2]}")
sys.exit(seen != ["True", "False", "True"])
PYTHON
"$folder/venv/bin/python" "$folder/camera.py"
