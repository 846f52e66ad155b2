package io.vhost.bpf.rules;

import io.vhost.bpf.helper.HelperPrototype;
import io.vhost.bpf.insn.Code;
import io.vhost.bpf.run.ContextLayout;
import java.util.List;
import java.util.function.IntFunction;

/**
 * A program that is to be verified.
 *
 * @param code    its instructions
 * @param context what its context looks like
 * @param maps    its maps, in the order of their numbers in the code
 * @param helpers a helper's prototype by its number, or null
 */
public record Subject(Code code, ContextLayout context, List<MapFacts> maps,
                      IntFunction<HelperPrototype> helpers) {
}
