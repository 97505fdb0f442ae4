# augcam with the packages of requirements.lock; for Docker, Podman, Kubernetes and Apptainer.
#
#     docker build -t augcam .
#     docker run --rm -v "$PWD/results:/augcam/results" augcam --cores all
#     apptainer build augcam.sif docker-daemon://augcam:latest
#
# torch's wheels bring CUDA; GPUs need the host's driver alone (docker run --gpus all).
FROM python:3.11-slim

WORKDIR /augcam
# The lock first: a changed line of code does not install everything anew.
COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE Snakefile ./
COPY src src
COPY workflow workflow
COPY config config
COPY profiles profiles
COPY envs envs
RUN pip install --no-cache-dir --no-deps -e .

# Any user may run it, and write below /augcam.
ENV HOME=/tmp XDG_CACHE_HOME=/tmp/cache MPLCONFIGDIR=/tmp/matplotlib
RUN chmod 777 /augcam
ENTRYPOINT ["snakemake"]
