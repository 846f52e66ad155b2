package io.vhost.monitor.hmp;

import io.vhost.monitor.command.Arguments;
import io.vhost.monitor.dialogue.Dialogue;
import io.vhost.monitor.dialogue.DialogueHost;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * The language for people: lines in, text out, a prompt when the next line may come.
 *
 * <p>Thread: the monitor's.
 */
public final class HmpDialogue implements Dialogue {
    /** Most bytes of a line. */
    static final int MAX_LINE = 4095;

    private static final int DELETE = 0x7F;

    private final DialogueHost host;
    private final HmpShell shell;
    private final String version;
    private final String prompt;
    private final boolean echo;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private int length;
    private boolean afterReturn;
    private boolean running;

    /**
     * A dialogue that has not begun.
     *
     * @param host the session that speaks
     * @param shell runs the lines
     * @param version of this library, for the greeting
     * @param prompt printed before each line
     * @param echo whether what is typed is sent back
     */
    public HmpDialogue(DialogueHost host, HmpShell shell, String version, String prompt, boolean echo) {
        this.host = host;
        this.shell = shell;
        this.version = version;
        this.prompt = prompt;
        this.echo = echo;
    }

    @Override
    public String greeting() {
        return "vhost " + version + " monitor - type 'help' for more information\r\n" + prompt;
    }

    @Override
    public void accept(int octet) {
        boolean second = afterReturn && octet == '\n';
        afterReturn = octet == '\r';
        if (second) {
            return;
        }
        if (octet == '\r' || octet == '\n') {
            end();
        } else if (octet == '\b' || octet == DELETE) {
            erase();
        } else if (octet == '\t' || (octet & 0xFF) >= ' ') {
            length++;
            if (length <= MAX_LINE) {
                line.write(octet);
            }
            if (echo && octet > 0) {
                host.send(String.valueOf((char) octet));
            }
        }
    }

    private void erase() {
        byte[] typed = line.toByteArray();
        if (typed.length > 0) {
            line.reset();
            line.write(typed, 0, typed.length - 1);
            length = typed.length - 1;
            host.send(echo ? "\b \b" : "");
        }
    }

    private void end() {
        String text = line.toString(StandardCharsets.UTF_8);
        boolean tooLong = length > MAX_LINE;
        line.reset();
        length = 0;
        host.send(echo ? "\r\n" : "");
        if (tooLong) {
            host.send("the line is longer than " + MAX_LINE + " bytes\r\n" + prompt);
            return;
        }
        running = true;
        host.execute(shell.command(text), Arguments.NONE, outcome -> {
            running = false;
            String answer = outcome.error() == null
                    ? (String) outcome.result() : "Error: " + outcome.error().getMessage() + "\r\n";
            host.send(answer + prompt);
        });
    }

    @Override
    public boolean takesInput() {
        return !running;
    }

    @Override
    public void proceed() {}

    @Override
    public boolean isIdle() {
        return !running;
    }

    @Override
    public boolean takesEvents() {
        return false;
    }

    @Override
    public String mode() {
        return "readline";
    }

    @Override
    public String state() {
        return "command";
    }
}
