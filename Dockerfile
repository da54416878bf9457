# One image for every role: `perdure api`, `perdure worker`, `perdure migrate`. Node runs the sources as they are; the
# workflow bundle is built by the worker when it starts.
FROM node:24.21.0-bookworm-slim

# The last two are those of cli/up/malloc.ts, which says why.
ENV NODE_ENV=production \
    PERDURE_HOME=/var/lib/perdure \
    MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=131072
WORKDIR /opt/perdure

# What run_command runs in; whether the container lets it start, docs/built-in-tools.md says how to see to.
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends bubblewrap && rm -rf /var/lib/apt/lists/*

# No install script is needed here: the image's own Node is used, and the native parts come prebuilt.
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && npm cache clean --force

COPY . .
RUN install -d -o node -g node "$PERDURE_HOME"

USER node
EXPOSE 7400
ENTRYPOINT ["node", "cli/main.ts"]
CMD ["api"]
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "deploy/health.mjs", "http://127.0.0.1:7400/readyz"]
