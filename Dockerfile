# rmpe on a CPU: docker build -t rmpe . && docker run --rm -v "$PWD:/work" rmpe video my_clip.mp4
FROM python:3.12-slim-bookworm AS build
WORKDIR /source
RUN pip install --no-cache-dir build==1.3.0
COPY . .
RUN python -m build --wheel --outdir /wheel

FROM python:3.12-slim-bookworm
# OpenCV's libraries for pictures; torch and torchvision as a matching pair without CUDA.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/* \
    && pip install --no-cache-dir torch==2.14.1 torchvision==0.29.1 \
        --index-url https://download.pytorch.org/whl/cpu
COPY --from=build /wheel /wheel
COPY deploy/healthcheck.py /usr/local/bin/rmpe-healthcheck
# hadolint ignore=DL3013,DL3042
RUN pip install --no-cache-dir "$(ls /wheel/*.whl)[serve,mqtt]" && rm -rf /wheel \
    && useradd --create-home --uid 1000 rmpe \
    && mkdir /work /recordings && chown rmpe:rmpe /work /recordings
USER 1000
WORKDIR /work
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "/usr/local/bin/rmpe-healthcheck"]
ENTRYPOINT ["rmpe"]
CMD ["--help"]
