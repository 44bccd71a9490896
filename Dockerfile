# syntax=docker/dockerfile:1
# Builds an image with the binary alone. How to run it: docs/operating.md.

FROM rust:1.95-bookworm AS build
# For the health check, because the final image has no HTTP client.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends busybox-static && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
# The target folder is in a cache, so the binary is copied out of it.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target \
    cargo build --release --locked && cp target/release/gatehouse /gatehouse
RUN install -d -m 0700 /state

# glibc and libgcc of Debian 12, which the build stage has too.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /gatehouse /usr/bin/gatehouse
# The static BusyBox acts as the program whose name it has.
COPY --from=build /bin/busybox /usr/bin/wget
# A new volume takes owner (`nonroot`) and mode of the folder that it covers.
COPY --from=build --chown=65532:65532 --chmod=0700 /state /var/lib/gatehouse
ENV GATEHOUSE_DATA_DIR=/var/lib/gatehouse GATEHOUSE_LISTEN=0.0.0.0:8080
VOLUME /var/lib/gatehouse
WORKDIR /var/lib/gatehouse
EXPOSE 8080
USER 65532:65532
STOPSIGNAL SIGTERM
# Alive, not ready: an outage of the database must not get the container replaced.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["/usr/bin/wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/healthz"]
ENTRYPOINT ["/usr/bin/gatehouse"]
CMD ["serve"]
