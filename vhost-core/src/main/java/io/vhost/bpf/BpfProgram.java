package io.vhost.bpf;

import io.vhost.bpf.context.ContextCheck;
import io.vhost.bpf.context.SectionName;
import java.util.List;
import java.util.Optional;

/**
 * A program of an object.
 *
 * @param function   its first function
 * @param convention what its section's name says, if it follows a convention
 * @param called     the functions that it calls, directly or not, each once
 */
public record BpfProgram(BpfFunction function, Optional<SectionName> convention, List<BpfFunction> called) {
    /** Its name. */
    public String name() {
        return function.name();
    }

    /** What it is to a kernel, if its section's name says so. */
    public Optional<ContextCheck.Target> target() {
        return convention.map(name -> new ContextCheck.Target(name.type(), name.attachType(),
                Optional.empty()));
    }
}
