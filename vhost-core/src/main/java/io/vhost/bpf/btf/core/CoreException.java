package io.vhost.bpf.btf.core;

import java.io.Serial;

/** A relocation that makes no sense, or to which there is more than one answer. */
public final class CoreException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    CoreException(String text) {
        super(text);
    }
}
