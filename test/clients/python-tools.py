"""Makes a virtual environment, whole or not at all: `python3 python-tools.py FOLDER REQUIREMENTS`.

Who comes while another process makes it waits. The lock goes with its process, however that ends.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import venv

folder, requirements = sys.argv[1:]
complete = os.path.join(folder, "complete")
os.makedirs(os.path.dirname(folder), exist_ok=True)
with open(f"{folder}.lock", "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    if not os.path.exists(complete):
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True, symlinks=True)
        pip = [os.path.join(folder, "bin", "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "-r", requirements], check=True)
        open(complete, "w").close()
