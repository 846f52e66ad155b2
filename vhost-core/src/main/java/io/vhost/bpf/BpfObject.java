package io.vhost.bpf; final class BpfObject {}
