/** placeholder */
package io.vhost.bpf.btf;
