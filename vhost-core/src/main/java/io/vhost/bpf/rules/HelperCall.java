package io.vhost.bpf.rules;

import io.vhost.bpf.helper.HelperPrototype;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.map.MapType;
import io.vhost.bpf.state.Reg;
import io.vhost.bpf.state.RegKind;
import io.vhost.bpf.state.State;

/** Calls of helpers. Thread: stateless. */
public final class HelperCall {
    private static final int LOOKUP = 1;
    private static final int TAIL_CALL = 12;
    private static final int LOCK = 93;
    private static final int UNLOCK = 94;
    private static final int LOOP = 181;

    private HelperCall() {
    }

    /** Follows a call; the function that the helper calls back, or null. */
    public static Reg run(Site site) {
        int id = Insn.imm(site.insn());
        HelperPrototype helper = site.subject.helpers().apply(id);
        if (helper == null) {
            throw Site.refuse("use another helper, this one does not exist here", "invalid func unknown#"
                    + id);
        }
        State state = site.state;
        if (state.lock() != null && id != UNLOCK) {
            throw Site.refuse("call bpf_spin_unlock before any other helper",
                    "function calls are not allowed while holding a lock");
        }
        Arguments arguments = new Arguments(site, helper);
        arguments.check();
        if (id == TAIL_CALL) {
            checkReleased(site, "tail_call would lead to reference leak");
        }
        Reg result = result(site, helper, arguments);
        if (arguments.function() != null) {
            if (id != LOOP) {
                throw Site.refuse("call back with bpf_loop", "helper " + helper.name()
                        + " calls back in a way that is not known");
            }
            return arguments.function();
        }
        finish(site, helper, arguments, result);
        return null;
    }

    /** What is left behind a helper that called back, or did not. */
    public static void afterCallbacks(Site site) {
        site.state.clearArguments();
        site.state.reg(0, Reg.UNKNOWN);
    }

    private static void finish(Site site, HelperPrototype helper, Arguments arguments, Reg result) {
        State state = site.state;
        if (helper.id() == LOCK || helper.id() == UNLOCK) {
            lock(state, helper.id() == LOCK, arguments.lock());
        }
        if (arguments.record() != null) {
            release(state, arguments.record().id());
        }
        if (helper.movesPacket()) {
            state.update(reg -> reg.kind().isPacket() || reg.kind() == RegKind.PACKET_END ? Reg.UNKNOWN
                    : reg);
        }
        state.clearArguments();
        state.reg(0, result);
        if (result.kind() == RegKind.RECORD) {
            state.oblige(new State.Obligation(result.id(), site.at));
        }
    }

    private static Reg result(Site site, HelperPrototype helper, Arguments arguments) {
        return switch (helper.returns()) {
            case NUMBER -> Reg.UNKNOWN;
            case NOTHING -> Reg.NOTHING;
            case MAP_VALUE_OR_NULL -> value(site, helper, arguments);
            case RECORD_OR_NULL -> Reg.address(RegKind.RECORD, arguments.constantSize())
                    .withId(site.newId()).orNullToo();
        };
    }

    private static Reg value(Site site, HelperPrototype helper, Arguments arguments) {
        Reg map = arguments.map();
        if (map == null) {
            throw Site.refuse("give " + helper.name() + " a map", "invalid map_ptr");
        }
        MapFacts facts = site.facts(map);
        int id = site.newId();
        if (!Maps.isOfMaps(MapType.of(facts.spec().type()))) {
            // Of an inner map, the value has the same map and range as its mark.
            Reg found = Reg.address(RegKind.MAP_VALUE, map.which()).withRange(map.range()).withId(id);
            return helper.id() == LOOKUP && Maps.hasAlways(facts.spec(), arguments.key()) ? found
                    : found.orNullToo();
        }
        if (facts.inner() == null) {
            throw Site.refuse("say what the maps in " + facts.spec().name()
                    + " are, with __array(values, ...) in its definition", "map " + facts.spec().name()
                    + " holds maps that are not known");
        }
        return Reg.address(RegKind.MAP, map.which()).withRange(1).withId(id).orNullToo();
    }

    private static void lock(State state, boolean takes, Reg lock) {
        if (takes) {
            if (state.lock() != null) {
                throw Site.refuse("give the other lock back first",
                        "Locking two bpf_spin_locks are not allowed");
            }
            state.lock(lock);
            return;
        }
        Reg held = state.lock();
        if (held == null) {
            throw Site.refuse("call bpf_spin_lock before bpf_spin_unlock",
                    "bpf_spin_unlock without taking a lock");
        }
        if (held.which() != lock.which() || held.id() != lock.id()) {
            throw Site.refuse("give back the lock that was taken", "bpf_spin_unlock of different lock");
        }
        state.lock(null);
    }

    private static void release(State state, int id) {
        if (!state.release(id)) {
            throw Site.refuse("submit or discard each record once", "release reference to id " + id
                    + " that is not held");
        }
        state.update(reg -> reg.kind() == RegKind.RECORD && reg.id() == id ? Reg.UNKNOWN : reg);
    }

    /** At the end of a program, or before another takes its place. */
    public static void checkReleased(Site site, String text) {
        if (!site.state.obligations().isEmpty()) {
            State.Obligation first = site.state.obligations().getFirst();
            throw Site.refuse("submit or discard the record that is reserved at instruction " + first.at()
                    + ", on every way", (text.isEmpty() ? "" : text + ": ") + "Unreleased reference id="
                    + first.id() + " alloc_insn=" + first.at());
        }
        if (site.state.lock() != null) {
            throw Site.refuse("call bpf_spin_unlock before the program ends",
                    "BPF_EXIT instruction in main prog cannot be used inside bpf_spin_lock-ed region");
        }
    }
}
