#!/bin/sh
# Creates the namespace when it is not there. Search attributes are registered by `perdure migrate`.
set -eu

attempts=30
until temporal operator cluster health --address "$TEMPORAL_ADDRESS"; do
  attempts=$((attempts - 1))
  [ "$attempts" -gt 0 ] || exit 1
  sleep 2
done

temporal operator namespace describe --address "$TEMPORAL_ADDRESS" -n "$TEMPORAL_NAMESPACE" ||
  temporal operator namespace create --address "$TEMPORAL_ADDRESS" --retention 72h -n "$TEMPORAL_NAMESPACE"
