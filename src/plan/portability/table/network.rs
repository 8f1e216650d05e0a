//! The chapter of the network: which services reach each other, by which names, and what is open to the outside.

use super::rows;

rows! {
    "services.*.networks" {
        compose native
        swarm native
        kubernetes emulated "NetworkPolicies that let in the services of the same networks"
    }
    "services.*.networks.*.aliases" {
        compose native
        swarm native
        kubernetes emulated "a further Service for each name"
    }
    "services.*.networks.*.ipv4_address" {
        compose native
        swarm lossy "the service has any address of the network" "reach it by its name"
        kubernetes lossy "the service has any address of the cluster" "reach it by its name"
    }
    "services.*.networks.*.ipv6_address" {
        compose native
        swarm lossy "the service has any address of the network" "reach it by its name"
        kubernetes lossy "the service has any address of the cluster" "reach it by its name"
    }
    "services.*.networks.*.link_local_ips" {
        compose native
        swarm lossy "the service has no such addresses" "reach it by its name"
        kubernetes lossy "the service has no such addresses" "reach it by its name"
    }
    "services.*.networks.*.mac_address" {
        compose native >= Engine "25.0", Compose "2.23.2"
        swarm lossy "every replica has any hardware address" "leave it out"
        kubernetes lossy "every replica has any hardware address" "leave it out"
    }
    "services.*.networks.*.driver_opts" {
        compose native >= Compose "2.27.1"
        swarm native
        kubernetes lossy "the network of the cluster takes no options" "leave them out"
    }
    "services.*.networks.*.interface_name" {
        compose native >= Engine "28.1", Compose "2.36"
        swarm lossy "the engine names the interfaces" "leave it out"
        kubernetes lossy "the network of the cluster names the interface" "leave it out"
    }
    "services.*.networks.*.priority" {
        compose native
        swarm lossy "the engine orders the networks" "leave it out"
        kubernetes lossy "a pod has one network interface" "leave it out"
    }
    "services.*.networks.*.gw_priority" {
        compose native >= Engine "28.0", Compose "2.33"
        swarm lossy "the engine chooses the gateway" "leave it out"
        kubernetes lossy "a pod has one network interface" "leave it out"
    }
    "services.*.networks.*.use_service_name_alias" {
        compose impossible "no release of Docker Compose knows it yet" "leave it out; a service is found by its name"
        swarm lossy "a service is always found by its name" "leave it out"
        kubernetes lossy "a service is always found by its name" "leave it out"
    }
    "services.*.network_mode" = "bridge" {
        compose native
        swarm lossy "the service is on the stack's own network" "leave it out"
        kubernetes lossy "the service is on the cluster's network" "leave it out"
    }
    "services.*.network_mode" = "host" {
        compose native
        swarm impossible "`docker stack deploy` ignores it: the program would not find the network of the node"
            "publish its ports with `mode = \"host\"`"
        kubernetes native
    }
    "services.*.network_mode" = "none" {
        compose native
        swarm impossible "`docker stack deploy` ignores it: the program would reach the network"
            "put it on a network of its own with `internal = true`"
        kubernetes emulated "a NetworkPolicy that lets nothing in or out"
    }
    "services.*.network_mode" != "bridge" | "host" | "none" {
        compose native
        swarm impossible "two services of a stack share no network interface" "put both on a network, and use the service's name"
        kubernetes impossible "two pods share no network interface" "put both on a network, and use the service's name"
    }
    "services.*.mac_address" {
        compose native
        swarm lossy "every replica has any hardware address" "leave it out"
        kubernetes lossy "every replica has any hardware address" "leave it out"
    }
    "services.*.dns" {
        compose native
        swarm native
        kubernetes lossy "these servers are asked only when the cluster's own does not answer"
            "let the DNS of the cluster forward the domains"
    }
    "services.*.dns_search" { compose native swarm native kubernetes native }
    "services.*.dns_opt" {
        compose native
        swarm lossy "`docker stack deploy` does not take it" "set it for the daemons of the nodes"
        kubernetes native
    }
    "services.*.extra_hosts" where NO_HOST_GATEWAY { compose native swarm native kubernetes native }
    "services.*.extra_hosts" where HAS_HOST_GATEWAY {
        compose native
        swarm impossible "`host-gateway` is an address of one engine" "name the address or the DNS name of the host"
        kubernetes impossible "`host-gateway` is an address of one engine" "name the address or the DNS name of the host"
    }
    "services.*.expose" {
        compose native
        swarm emulated "services of a network reach every port of each other"
        kubernetes emulated "a port of the Service"
    }
    "services.*.ports.*" where ONE_PORT { compose native swarm native kubernetes emulated "a port of the Service" }
    "services.*.ports.*" where RANGE_OF_PORTS {
        compose native
        swarm emulated "every port leads to any of the replicas"
        kubernetes lossy "its first port leads to any of the replicas, the others are closed" "publish one port"
    }
    "services.*.ports.*" where PORT_WITHOUT_NUMBER { compose native swarm native kubernetes emulated "a port of the Service" }
    "services.*.ports.*" where PORT_OF_AN_ADDRESS {
        compose native
        swarm lossy "the port is open on every address of every node" "leave the address out, and guard the port with a firewall"
        kubernetes lossy "the port is open as the type of the Service says" "leave the address out"
    }
    "services.*.ports.*" where PORT_NOT_OPENED {
        compose native
        swarm native
        kubernetes lossy "the port is open in the cluster alone"
            "say how it is reached: `[services.NAME.kubernetes] service-type = \"LoadBalancer\"` (or `NodePort`), or `ingress`"
    }
    "services.*.ports.*.mode" = "ingress" { compose native swarm native kubernetes native }
    "services.*.ports.*.mode" = "host" {
        compose native
        swarm native
        kubernetes lossy "the port is open as the type of the Service says, and not on the nodes of its replicas"
            "set `hostPort` in `[services.NAME.kubernetes] patch`"
    }
    "services.*.ports.*.protocol" { compose native swarm native kubernetes native }
    "services.*.ports.*.app_protocol" {
        compose native >= Compose "2.25"
        swarm emulated "left out: nothing in a swarm reads it"
        kubernetes native
    }
    "networks.*.driver" = "bridge" {
        compose native
        swarm emulated "an overlay network, which spans the nodes"
        kubernetes emulated "NetworkPolicies of the cluster's network"
    }
    "networks.*.driver" = "overlay" {
        compose impossible "an overlay network needs a swarm" "leave the driver out: each platform takes its own"
        swarm native
        kubernetes emulated "NetworkPolicies of the cluster's network"
    }
    "networks.*.driver" != "bridge" | "overlay" {
        compose native
        swarm lossy "a network of another driver does not span the nodes" "leave the driver out: each platform takes its own"
        kubernetes lossy "the network of the cluster is used" "leave the driver out: each platform takes its own"
    }
    "networks.*.driver_opts" where OF_A_BRIDGE {
        compose native
        swarm lossy "the network is an overlay, which has other options" "leave them out"
        kubernetes lossy "the network of the cluster takes no options" "leave them out"
    }
    "networks.*.driver_opts" where OF_NO_BRIDGE {
        compose native
        swarm native
        kubernetes lossy "the network of the cluster takes no options" "leave them out"
    }
    "networks.*.internal" {
        compose native
        swarm native
        kubernetes emulated "a NetworkPolicy that lets nothing out of the network"
    }
    "networks.*.attachable" {
        compose native
        swarm native
        kubernetes emulated "left out: no container is started by hand"
    }
    "networks.*.enable_ipv4" {
        compose native >= Engine "28.0", Compose "2.33"
        swarm lossy "the swarm decides about the versions of IP" "leave it out"
        kubernetes lossy "the cluster decides about the versions of IP" "leave it out"
    }
    "networks.*.enable_ipv6" {
        compose native
        swarm lossy "the swarm decides about the versions of IP" "leave it out"
        kubernetes lossy "the cluster decides about the versions of IP" "leave it out"
    }
    "networks.*.ipam.driver" {
        compose native
        swarm native
        kubernetes lossy "the cluster gives out addresses" "leave it out"
    }
    "networks.*.ipam.config.*.subnet" {
        compose native
        swarm native
        kubernetes lossy "the cluster gives out addresses" "leave it out"
    }
    "networks.*.ipam.config.*.gateway" {
        compose native
        swarm lossy "`docker stack deploy` takes the subnet alone" "leave it out"
        kubernetes lossy "the cluster gives out addresses" "leave it out"
    }
    "networks.*.ipam.config.*.ip_range" {
        compose native
        swarm lossy "`docker stack deploy` takes the subnet alone" "leave it out"
        kubernetes lossy "the cluster gives out addresses" "leave it out"
    }
    "networks.*.ipam.config.*.aux_addresses" {
        compose native
        swarm lossy "`docker stack deploy` takes the subnet alone" "leave it out"
        kubernetes lossy "the cluster gives out addresses" "leave it out"
    }
    "networks.*.ipam.options" {
        compose native
        swarm lossy "`docker stack deploy` does not take them" "leave them out"
        kubernetes lossy "the cluster gives out addresses" "leave them out"
    }
    "networks.*.labels" {
        compose native
        swarm native
        kubernetes lossy "a NetworkPolicy has the labels of the release alone" "leave them out"
    }
    "networks.*.external" = "true" {
        compose native
        swarm native
        kubernetes lossy "the cluster has no such network: the service is reached from all namespaces"
            "leave it out, or guard the namespace"
    }
}
