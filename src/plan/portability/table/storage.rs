//! The chapter of files: volumes, tmpfs, configs and secrets.

use super::rows;

rows! {
    "services.*.volumes.*" where VOLUME_THAT_STAYS {
        compose native
        swarm native
        kubernetes emulated "a PersistentVolumeClaim; a new one is empty, whatever the image has there"
    }
    "services.*.volumes.*" where VOLUME_THAT_MAY_STAY_BEHIND {
        compose native
        swarm lossy "a replica that moves to another node finds an empty volume there"
            "bind it to a node (`deploy.placement.constraints = [\"node.labels.data == yes\"]`), or use a driver that all nodes share"
        kubernetes emulated "a PersistentVolumeClaim; a new one is empty, whatever the image has there"
    }
    "services.*.volumes.*" where VOLUME_OF_REPLICAS {
        compose native
        swarm native
        kubernetes lossy "each replica has a volume of its own"
            "let them share it: `access-modes = [\"ReadWriteMany\"]` in `[volumes.NAME.kubernetes]`"
    }
    "services.*.volumes.*" where HOST_PATH {
        compose native
        swarm native
        kubernetes lossy "a hostPath: each node has its own, and clusters with Pod Security refuse it"
            "use a volume, a config or a secret"
    }
    "services.*.volumes.*" where ANONYMOUS_VOLUME {
        compose native
        swarm lossy "a new container has a new volume" "declare it in `[volumes]` and name it"
        kubernetes lossy "the volume ends with its pod" "declare it in `[volumes]` and name it"
    }
    "services.*.volumes.*.type" = "volume" | "bind" { compose native swarm native kubernetes native }
    "services.*.volumes.*.type" = "tmpfs" { compose native swarm native kubernetes emulated "an emptyDir of memory" }
    "services.*.volumes.*.type" = "image" {
        compose native >= Engine "28.0", Compose "2.35"
        swarm impossible "a stack mounts no images" "copy the files into the service's image"
        kubernetes impossible "volumes of images are not in every cluster yet" "copy the files into the service's image"
    }
    "services.*.volumes.*.type" = "npipe" | "cluster" {
        compose impossible "only a swarm, or Windows, has such a volume" "keep it to an environment of its own platform"
        swarm native
        kubernetes impossible "only a swarm, or Windows, has such a volume" "keep it to an environment of its own platform"
    }
    "services.*.volumes.*.read_only" { compose native swarm native kubernetes native }
    "services.*.volumes.*.consistency" {
        compose native
        swarm native
        kubernetes emulated "left out: it means nothing on Linux"
    }
    "services.*.volumes.*.bind.propagation" {
        compose native
        swarm native
        kubernetes lossy "mounts that are made later are not passed on" "set `mountPropagation` in `[services.NAME.kubernetes] patch`"
    }
    "services.*.volumes.*.bind.create_host_path" = "true" {
        compose native
        swarm lossy "a path that is not there is an error" "make it on every node before"
        kubernetes native
    }
    "services.*.volumes.*.bind.create_host_path" = "false" {
        compose native
        swarm native
        kubernetes lossy "a path that is not there is made" "make it on every node before"
    }
    "services.*.volumes.*.bind.recursive" {
        compose native >= Engine "25.0", Compose "2.30"
        swarm lossy "the engine decides about mounts below the path" "leave it out"
        kubernetes lossy "the container runtime decides about mounts below the path" "leave it out"
    }
    "services.*.volumes.*.bind.selinux" {
        compose native
        swarm lossy "the path keeps its SELinux label" "label it on every node before"
        kubernetes lossy "the path keeps its SELinux label" "label it on every node before"
    }
    "services.*.volumes.*.volume.labels" {
        compose native >= Compose "2.35"
        swarm lossy "`docker stack deploy` ignores it" "write `labels` in `[volumes.NAME]`"
        kubernetes lossy "a mount has no labels" "write `labels` in `[volumes.NAME]`"
    }
    "services.*.volumes.*.volume.nocopy" { compose native swarm native kubernetes native }
    "services.*.volumes.*.volume.subpath" {
        compose native >= Engine "26.0", Compose "2.25"
        swarm impossible "a stack mounts whole volumes" "give the folder a volume of its own"
        kubernetes native
    }
    "services.*.volumes.*.tmpfs.size" { compose native swarm native kubernetes emulated "the limit of the emptyDir" }
    "services.*.volumes.*.tmpfs.mode" {
        compose native >= Compose "2.14"
        swarm lossy "`docker stack deploy` ignores it: everybody may write there" "leave it out"
        kubernetes lossy "everybody in the pod may write there" "leave it out"
    }
    "services.*.volumes.*.image.subpath" {
        compose native >= Engine "28.0", Compose "2.35"
        swarm impossible "a stack mounts no images" "copy the files into the service's image"
        kubernetes impossible "volumes of images are not in every cluster yet" "copy the files into the service's image"
    }
    "services.*.tmpfs" where SIZED_TMPFS {
        compose native
        swarm emulated "volumes of type tmpfs"
        kubernetes emulated "emptyDirs of memory"
    }
    "services.*.tmpfs" where TMPFS_WITH_OPTIONS {
        compose native
        swarm lossy "a stack knows the size of a tmpfs alone" "leave the other options out"
        kubernetes lossy "an emptyDir has a size alone" "leave the other options out"
    }
    "volumes.*.driver" = "local" { compose native swarm native kubernetes emulated "the storage class of the cluster" }
    "volumes.*.driver" != "local" {
        compose native
        swarm native
        kubernetes lossy "the storage class of the cluster is used, not the driver" "name the class in `[volumes.NAME.kubernetes]`"
    }
    "volumes.*.driver_opts" {
        compose native
        swarm native
        kubernetes lossy "the storage class of the cluster takes no options" "name a class in `[volumes.NAME.kubernetes]`"
    }
    "volumes.*.labels" {
        compose native
        swarm native
        kubernetes lossy "a claim has the labels of the release alone" "leave them out"
    }
    "volumes.*.external" = "true" { compose native swarm native kubernetes native }
    "configs.*.file" {
        compose emulated "a volume that the entrypoint fills, named by its content"
        swarm native
        kubernetes native
    }
    "configs.*.directory" {
        compose emulated "a volume that the entrypoint fills, named by its content"
        swarm emulated "a config for each file"
        kubernetes emulated "a ConfigMap for each file"
    }
    "configs.*.content" {
        compose emulated "a volume that the entrypoint fills, named by its content"
        swarm emulated "a config that the entrypoint writes, named by its content"
        kubernetes emulated "a ConfigMap that the entrypoint writes, named by its content"
    }
    "secrets.*.parameter" {
        compose emulated "a volume that the entrypoint fills, named by a salted hash"
        swarm emulated "a swarm secret that the entrypoint makes"
        kubernetes emulated "a Secret that the entrypoint makes"
    }
    "secrets.*.host-file" {
        compose native
        swarm emulated "a bind mount: every node needs the file"
        kubernetes lossy "a hostPath: each node needs the file, and clusters with Pod Security refuse it"
            "give it as a parameter, or as an external Secret"
    }
    "secrets.*.external" = "true" {
        compose impossible "Docker Compose keeps no secrets"
            "give it as a parameter (`parameter = \"NAME\"`), or name a file of the host (`host-file = \"/path\"`)"
        swarm native
        kubernetes native
    }
    "services.*.configs" { compose native swarm native kubernetes native }
    "services.*.configs.*.uid" where NOT_ROOT {
        compose native
        swarm native
        kubernetes lossy "the file belongs to root" "let the group read it: `gid`, and `mode = \"0440\"`"
    }
    "services.*.configs.*.gid" where NOT_ROOT {
        compose native
        swarm native
        kubernetes emulated "the group of all volumes of the pod"
    }
    "services.*.configs.*.mode" { compose native swarm native kubernetes native }
    "services.*.secrets" { compose native swarm native kubernetes native }
    "services.*.secrets.*.uid" where NOT_ROOT {
        compose native
        swarm native
        kubernetes lossy "the file belongs to root" "let the group read it: `gid`, and `mode = \"0440\"`"
    }
    "services.*.secrets.*.gid" where NOT_ROOT {
        compose native
        swarm native
        kubernetes emulated "the group of all volumes of the pod"
    }
    "services.*.secrets.*.mode" { compose native swarm native kubernetes native }
}
