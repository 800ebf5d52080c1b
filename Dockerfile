# An image with the single executable of Heartwood, for a user without rights.
#
#   docker build --tag heartwood .
#   docker run --publish 127.0.0.1:4000:4000 --volume heartwood:/data --stop-timeout 20 heartwood
#
# compose.yaml runs it with PostgreSQL.

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
# The install scripts would bring Deno, another Node and a browser, which only the tests need.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run executable

FROM debian:13.6-slim
# Kubernetes accepts only a number as proof that the user is not root.
RUN install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=build /src/executable/heartwood /usr/local/bin/heartwood
COPY --from=build /src/executable/LICENSES.txt /usr/share/doc/heartwood/LICENSES.txt
# The volume holds the database, and its master key unless HEARTWOOD_MASTER_KEY is set. Keep a copy of the key in another place.
ENV HEARTWOOD_DATABASE=/data/heartwood.db \
    HEARTWOOD_LOG=json \
    HOST=0.0.0.0
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 4000
HEALTHCHECK --interval=30s --timeout=6s --start-period=30s CMD ["heartwood", "health"]
ENTRYPOINT ["heartwood"]
CMD ["serve"]
