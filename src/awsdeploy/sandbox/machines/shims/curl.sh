#!/bin/sh
# AWS has a server with the certificates that its databases are known by; the sandbox's databases have others. All else is
# for the real curl.
asked=''
output=''
before=''
for word in "$@"; do
  case $word in https://truststore.pki.rds.amazonaws.com/*) asked=yes ;; esac
  [ "$before" != --output ] || output=$word
  before=$word
done
[ -z "$asked" ] || exec cp "${AWSDEPLOY_HOST_NAMES%/*}/rds-ca.pem" "$output"
for program in /usr/bin/curl /bin/curl; do
  [ ! -x "$program" ] || exec "$program" "$@"
done
exit 127
