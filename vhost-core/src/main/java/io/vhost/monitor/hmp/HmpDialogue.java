package io.vhost.monitor.hmp;

import io.vhost.monitor.dialogue.Dialogue;
import io.vhost.monitor.dialogue.DialogueHost;
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
    private final byte[] line = new byte[MAX_LINE];
    /** Bytes of the line; one more than there may be if it is too long. */
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
        } else if (octet == '\t' && echo) {
            complete();
        } else if (octet == '\t' || (octet & 0xFF) >= ' ') {
            add(octet);
        }
    }

    private void add(int octet) {
        if (length < MAX_LINE) {
            line[length] = (byte) octet;
        }
        length = Math.min(length + 1, MAX_LINE + 1);
        if (echo && octet > 0) {
            host.send(String.valueOf((char) octet));
        }
    }

    private void erase() {
        if (length > 0) {
            length = Math.min(length, MAX_LINE) - 1;
            host.send(echo ? "\b \b" : "");
        }
    }

    /** A TAB of somebody who sees what it does; elsewhere it is a space between words. */
    private void complete() {
        if (length > MAX_LINE) {
            return;
        }
        HmpCompletion completion = shell.complete(text());
        for (int i = 0; i < completion.addition().length(); i++) {
            add(completion.addition().charAt(i));
        }
        if (completion.addition().isEmpty() && !completion.choices().isEmpty()) {
            host.send("\r\n" + String.join("  ", completion.choices()) + "\r\n" + prompt + text());
        }
    }

    private String text() {
        return new String(line, 0, Math.min(length, MAX_LINE), StandardCharsets.UTF_8);
    }

    private void end() {
        String text = text();
        boolean tooLong = length > MAX_LINE;
        length = 0;
        host.send(echo ? "\r\n" : "");
        if (tooLong) {
            host.send("the line is longer than " + MAX_LINE + " bytes\r\n" + prompt);
            return;
        }
        running = host.execute(() -> shell.run(text), answer -> {
            running = false;
            host.send(answer + prompt);
        });
        if (!running) {
            host.send("Error: too many commands are under way; try again later\r\n" + prompt);
        }
    }

    @Override
    public long held() {
        return 0;
    }

    @Override
    public void close() {
        length = 0;
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
