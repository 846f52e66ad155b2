package io.vhost.bpf;

import java.nio.file.Path;

final class Scratch {
    private Scratch() {
    }

    public static void main(String[] args) throws Exception {
        BpfObject object = BpfObject.read(Path.of(args[0]));
        System.out.println(object.license());
        object.maps().forEach(System.out::println);
        for (CheckMode mode : CheckMode.values()) {
            for (BpfProgram program : object.programs()) {
                System.out.println(program.name() + " " + program.convention() + " " + program.called().stream().map(BpfFunction::name).toList());
                object.check(program, ContextTypes.shipped(), mode).forEach(System.out::println);
            }
        }
    }
}
