# One image an app: docker build --build-arg APP=gateway|worker|push -t dialfleet-gateway .
# /app is the repository's root in every stage. tools/check-image-commands.mjs runs these commands without a container engine.
FROM node:20.20.2-bookworm-slim AS base
ENV CHECKPOINT_DISABLE=1
WORKDIR /app

# The package manifests alone: a change of code does not install everything anew.
FROM base AS manifests
COPY . .
RUN mkdir manifests && cp --parents package.json package-lock.json .npmrc apps/*/package.json libs/*/package.json manifests

FROM base AS build
COPY --from=manifests /app/manifests ./
RUN npm ci
COPY . .
RUN node node_modules/prisma/build/index.js generate
RUN node node_modules/ts7/bin/tsc -b apps/gateway apps/worker apps/push
ARG APP
RUN test -f "apps/$APP/dist/main.js" || { echo "APP must be gateway, worker or push, not '$APP'" >&2; exit 1; }
RUN mkdir runtime && cp -r --parents "apps/$APP/package.json" "apps/$APP/dist" libs/*/package.json libs/*/dist prisma/migrations \
    tools/migrate.mjs tools/create-owner.mjs tools/healthcheck.mjs package.json LICENSE NOTICE runtime
RUN find runtime '(' -name '*.spec.*' -o -name '*.d.ts' -o -name '.tsbuildinfo' ')' -delete

# What runs needs no compiler, no Prisma command line, no native code for other platforms.
FROM base AS dependencies
COPY --from=manifests /app/manifests ./
RUN npm ci --omit=dev
COPY tools/prune-node-modules.mjs tools/
RUN node tools/prune-node-modules.mjs

FROM base
ARG APP
ENV NODE_ENV=production NODE_OPTIONS=--enable-source-maps ORT_DISABLE_TELEMETRY=1
ENV DIALFLEET_DATA_DIR=/data DIALFLEET_APP=$APP DIALFLEET_HEALTH_FILE=/tmp/dialfleet.health
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/runtime ./
# A new volume takes its owner from this folder.
RUN mkdir /data && chown node:node /data
USER node
WORKDIR /app/apps/$APP
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=3 CMD ["node", "/app/tools/healthcheck.mjs"]
CMD ["node", "dist/main.js"]
