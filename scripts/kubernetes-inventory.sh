#!/bin/sh
# Enters the running pods of a Kubernetes cluster into a team's inventory; docs/INVENTORIES.md.
# shellcheck source=scripts/lib/inventory.sh
. "$(dirname -- "$0")/lib/inventory.sh"

usage() {
  cat <<'END'
usage: kubernetes-inventory.sh [options]

Enters each running pod into the inventory of a team of Muster, as pod.namespace. Run it again as often as you like: a
pod is the same node as long as it has the same name and namespace.

  --namespace NAME   the pods of this namespace; left out, of all that there are
  --context NAME     the context of the kubeconfig, instead of the current one
  --group NAME       the group of the nodes; left out, they keep theirs
  --suffix NAME      what the hostnames end with: the cluster, if the team has more than one
  --jobs N           how many are sent at a time, 1 to 64; 8 if left out
  --dry-run          print what would be sent, a line of JSON for each, and send nothing

environment:
  MUSTER_URL           where Muster is, such as https://muster.example.com
  REGISTRATION_TOKEN   an enrollment token, which admits the kind `pod`
END
}

namespace='' context=''

own_option() {
  case $1 in
    --namespace) namespace=${2:-} ;;
    --context) context=${2:-} ;;
    *) return 1 ;;
  esac
  value_of "$@"
  taken=2
}

begin kubectl "$@"

if [ -n "$namespace" ]; then set -- --namespace "$namespace"; else set -- --all-namespaces; fi
kubectl get pods "$@" ${context:+--context "$context"} --field-selector=status.phase=Running -o json >"$work/pods" ||
  die 'kubectl does not list the pods; nothing was registered'

# A pod that is being deleted runs on for a while. Annotations are left alone: anything may be in them.
# shellcheck disable=SC2016
nodes '
  .[].items[] | select(.status.phase == "Running" and .metadata.deletionTimestamp == null)
  | .metadata.name as $name
  | .metadata.namespace as $namespace
  | ($name | hostname([$namespace, $suffix])) as $hostname
  | (.metadata.ownerReferences // [] | map(select(.controller)) | first) as $owner
  | {
      ip_address: ([.status.podIP, .status.podIPs[]?.ip] | said | first),
      os: (.spec.os.name // .spec.nodeSelector["kubernetes.io/os"]),
      tags: [
        "namespace=" + $namespace,
        ({cluster: $suffix} | facts | pairs),
        (.metadata.labels // {} | pairs)
      ],
      meta: {
        source: "kubernetes", cluster: $suffix, namespace: $namespace, uid: .metadata.uid,
        node: .spec.nodeName, node_address: .status.hostIP, addresses: [.status.podIPs[]?.ip],
        images: (.spec.containers | map({key: .name, value: .image}) | from_entries),
        owner: (if $owner then "\($owner.kind)/\($owner.name)" else null end),
        service_account: .spec.serviceAccountName, qos_class: .status.qosClass,
        created_at: .metadata.creationTimestamp, started_at: .status.startTime,
        labels: .metadata.labels
      }
    }
  | node("pod"; $name; $hostname)
' "$work/pods"
register 'running pods'
