#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# nodes.sh PROGRAMS FOLDER [NODE REGION ZMQ_PORT HTTP_PORT]...: what an operator does before nodes can run: keys, a
# signed registry, one pack, a configuration, a store. FOLDER/NODE holds people.csv and institutions.csv already.
set -eu
gongji=$1/gongji
folder=$2
shift 2

random() {
    od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
}

"$gongji" keys --authority --out "$folder" >"$folder/setup.log"

mkdir "$folder/packs"
# No cap and no retention stands in the way of a measurement.
cat >"$folder/packs/000000-bench.yaml" <<TEXT
id: 000000-bench
region: "000000"
version: 1
source: the bench
valid_from: 2024-01-01
relations: [spouse, parent, child]
reach: national
draw: CASCADE
own_order: [prior]
uses: [outpatient]
TEXT

printf 'network_id: "%s"\nserial: 1\nnodes:\n' "$(random)" >"$folder/registry.yaml"
regions=
names=
while [ $# -gt 0 ]; do
    node=$1 region=$2 zmq=$3 http=$4
    shift 4
    names="$names $node"
    regions="$regions  - {region: \"$region\", node: \"$node\"}
"
    "$gongji" keys --out "$folder/$node/keys" >"$folder/$node/public"
    {
        printf '  - node: "%s"\n    endpoint: tcp://127.0.0.1:%s\n    url: http://127.0.0.1:%s\n' "$node" "$zmq" "$http"
        sed -n 's/^curve_public:/    curve_public:/p' "$folder/$node/public"
        printf '    keys:\n'
        sed -n 's/^public:/      - public:/p' "$folder/$node/public"
        printf '        valid_from: 2024-01-01 00:00:00\n'
    } >>"$folder/registry.yaml"
    (umask 077 && random >"$folder/$node/token")
    cat >"$folder/$node/node.yaml" <<TEXT
node: "$node"
store: gongji.db
witness: gongji.witness
registry: ../registry.yaml
registry_key: ../authority.pub
packs: ../packs
sign_key: keys/sign.pem
curve_key: keys/curve.key
data_key: keys/data.key
listen: tcp://127.0.0.1:$zmq
http:
  address: 127.0.0.1
  port: $http
clients:
  - name: bench
    token_file: token
    senders: "*"
TEXT
done
printf 'regions:\n%s' "$regions" >>"$folder/registry.yaml"
"$gongji" registry sign "$folder/registry.yaml" --key "$folder/authority.pem" >>"$folder/setup.log"

for node in $names; do
    config=$folder/$node/node.yaml
    "$gongji" init --config "$config" >>"$folder/setup.log"
    "$gongji" load --config "$config" "$folder/$node/people.csv" >>"$folder/setup.log"
    "$gongji" load-institutions --config "$config" "$folder/$node/institutions.csv" >>"$folder/setup.log"
done
