package dev.ublk4j.nbd;

import dev.ublk4j.nbd.OptionData.InvalidException;
import dev.ublk4j.nbd.wire.ExportInfo;
import dev.ublk4j.nbd.wire.Magic;
import dev.ublk4j.nbd.wire.MetaContext;
import dev.ublk4j.nbd.wire.Option;
import dev.ublk4j.nbd.wire.OptionReply;
import dev.ublk4j.nbd.wire.ReplyHeader;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What client and server say to each other before there are requests: fixed newstyle.
 *
 * <p>Everything that a client sends may be meant badly, so nothing is as long or as often as it
 * likes.
 */
final class Handshake {
    /** No option that makes sense is longer: a name and a few queries. */
    private static final int MAX_OPTION = 64 << 10;

    /** What is longer is read and thrown away up to here, so that the client can be told. */
    private static final int MAX_IGNORED = 1 << 20;

    private static final int MAX_OPTIONS = 128;

    private static final int ZEROES_AFTER_EXPORT_NAME = 124;

    private final HandshakeStream stream;
    private final Map<String, NbdExport> exports;
    private final Tls tls;
    private boolean zeroes;
    private boolean encrypted;
    private ReplyHeader replies = ReplyHeader.SIMPLE;

    /** The export for which the client has chosen what it wants to be told of. */
    private @Nullable NbdExport contextsOf;

    private List<MetaContext> contexts = List.of();

    private boolean aborted;

    /**
     * Makes one that has not begun.
     *
     * @param exports by name
     */
    Handshake(HandshakeStream stream, Map<String, NbdExport> exports, Tls tls) {
        this.stream = stream;
        this.exports = exports;
        this.tls = tls;
    }

    /**
     * {@return what the client has chosen, or null when it wants nothing more}
     *
     * @throws ProtocolException when it does what the protocol forbids
     * @throws IOException when it goes or takes too long
     */
    @Nullable Negotiated run() throws IOException {
        ByteBuffer hello = ByteBuffer.allocate(18);
        hello.putLong(Magic.SERVER).putLong(Magic.OPTION);
        hello.putShort((short) (Magic.FIXED_NEWSTYLE | Magic.NO_ZEROES));
        stream.write(hello.array());
        int flags = ByteBuffer.wrap(stream.read(Integer.BYTES)).getInt();
        if ((flags & ~(Magic.FIXED_NEWSTYLE | Magic.NO_ZEROES)) != 0) {
            throw new ProtocolException("unknown flags 0x" + Integer.toHexString(flags));
        }
        zeroes = (flags & Magic.NO_ZEROES) == 0;
        for (int count = 0; count < MAX_OPTIONS; count++) {
            Negotiated chosen = option();
            if (chosen != null || aborted) {
                return chosen;
            }
        }
        throw new ProtocolException("more than " + MAX_OPTIONS + " options");
    }

    private @Nullable Negotiated option() throws IOException {
        ByteBuffer header = ByteBuffer.wrap(stream.read(16));
        if (header.getLong() != Magic.OPTION) {
            throw new ProtocolException("it sent an invalid option");
        }
        int option = header.getInt();
        long length = Integer.toUnsignedLong(header.getInt());
        if (length > MAX_OPTION) {
            ignore(option, length);
            return null;
        }
        byte[] data = stream.read((int) length);
        if (tls.isRequired() && !encrypted && !isAllowedInTheClear(option)) {
            if (option == Option.EXPORT_NAME) {
                throw new ProtocolException("it asked for an export without TLS");
            }
            reply(option, OptionReply.ERR_TLS_REQD, "TLS is required");
            return null;
        }
        try {
            return option(option, new OptionData(data));
        } catch (InvalidException e) {
            if (option == Option.EXPORT_NAME) {
                throw new ProtocolException("it asked for an export by " + e.getMessage());
            }
            reply(option, OptionReply.ERR_INVALID, e.getMessage());
            return null;
        }
    }

    private static boolean isAllowedInTheClear(int option) {
        return option == Option.STARTTLS || option == Option.ABORT;
    }

    private void ignore(int option, long length) throws IOException {
        if (length > MAX_IGNORED || option == Option.EXPORT_NAME) {
            throw new ProtocolException("%s with %d bytes".formatted(Option.name(option), length));
        }
        byte[] _ = stream.read((int) length);
        reply(option, OptionReply.ERR_TOO_BIG, "at most " + MAX_OPTION + " bytes");
    }

    private @Nullable Negotiated option(int option, OptionData data)
            throws IOException, InvalidException {
        switch (option) {
            case Option.EXPORT_NAME -> {
                return exportName(data.readRest());
            }
            case Option.INFO, Option.GO -> {
                return info(option, data);
            }
            case Option.ABORT -> {
                aborted = true;
                reply(option, OptionReply.ACK);
            }
            case Option.LIST -> list(data);
            case Option.STARTTLS -> startTls(data);
            case Option.STRUCTURED_REPLY -> structuredReply(data);
            case Option.EXTENDED_HEADERS -> {
                data.requireEnd();
                replies = ReplyHeader.EXTENDED;
                reply(option, OptionReply.ACK);
            }
            case Option.LIST_META_CONTEXT, Option.SET_META_CONTEXT -> metaContext(option, data);
            default -> reply(option, OptionReply.ERR_UNSUP, "unknown option");
        }
        return null;
    }

    private Negotiated exportName(String name) throws IOException {
        NbdExport export = findOrNull(name);
        if (export == null) {
            // There is no other way to say so.
            throw new ProtocolException("it asked for an unknown export: " + name);
        }
        ByteBuffer answer =
                ByteBuffer.allocate(
                        Long.BYTES + Short.BYTES + (zeroes ? ZEROES_AFTER_EXPORT_NAME : 0));
        answer.putLong(export.size());
        answer.putShort((short) export.flags(replies != ReplyHeader.SIMPLE));
        stream.write(answer.array());
        return chosen(export);
    }

    private Negotiated chosen(NbdExport export) {
        return new Negotiated(export, replies, contextsOf == export ? contexts : List.of());
    }

    /** {@return the export; who does not name one gets the only one there is} */
    private @Nullable NbdExport findOrNull(String name) {
        NbdExport export = exports.get(name);
        return export == null && name.isEmpty() && exports.size() == 1
                ? exports.values().iterator().next()
                : export;
    }

    private @Nullable Negotiated info(int option, OptionData data)
            throws IOException, InvalidException {
        String name = data.readString();
        List<Integer> wanted = new ArrayList<>();
        for (int left = data.readShort(); left > 0; left--) {
            wanted.add(data.readShort());
        }
        data.requireEnd();
        NbdExport export = findOrNull(name);
        if (export == null) {
            reply(option, OptionReply.ERR_UNKNOWN, "no export of that name");
            return null;
        }
        ByteBuffer basics = ByteBuffer.allocate(12).putShort((short) ExportInfo.EXPORT);
        basics.putLong(export.size());
        basics.putShort((short) export.flags(replies != ReplyHeader.SIMPLE));
        reply(option, OptionReply.INFO, basics.array());
        if (wanted.contains(ExportInfo.NAME)) {
            reply(option, OptionReply.INFO, text(ExportInfo.NAME, export.name()));
        }
        if (wanted.contains(ExportInfo.DESCRIPTION)) {
            reply(option, OptionReply.INFO, text(ExportInfo.DESCRIPTION, export.description()));
        }
        if (wanted.contains(ExportInfo.BLOCK_SIZE)) {
            ByteBuffer sizes = ByteBuffer.allocate(14).putShort((short) ExportInfo.BLOCK_SIZE);
            sizes.putInt(export.minimumBlockBytes());
            sizes.putInt(export.disk().physicalBlockBytes());
            sizes.putInt(NbdExport.MAX_PAYLOAD);
            reply(option, OptionReply.INFO, sizes.array());
        }
        reply(option, OptionReply.ACK);
        return option == Option.GO ? chosen(export) : null;
    }

    private static byte[] text(int info, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(Short.BYTES + bytes.length)
                .putShort((short) info)
                .put(bytes)
                .array();
    }

    private void list(OptionData data) throws IOException, InvalidException {
        data.requireEnd();
        for (NbdExport export : exports.values()) {
            byte[] name = export.name().getBytes(StandardCharsets.UTF_8);
            byte[] description = export.description().getBytes(StandardCharsets.UTF_8);
            reply(
                    Option.LIST,
                    OptionReply.SERVER,
                    ByteBuffer.allocate(Integer.BYTES + name.length + description.length)
                            .putInt(name.length)
                            .put(name)
                            .put(description)
                            .array());
        }
        reply(Option.LIST, OptionReply.ACK);
    }

    private void startTls(OptionData data) throws IOException, InvalidException {
        data.requireEnd();
        if (!tls.isOffered()) {
            reply(Option.STARTTLS, OptionReply.ERR_POLICY, "this server does not offer TLS");
        } else if (encrypted) {
            reply(Option.STARTTLS, OptionReply.ERR_INVALID, "encrypted already");
        } else {
            reply(Option.STARTTLS, OptionReply.ACK);
            stream.startTls();
            encrypted = true;
            // What was said before may have been said by somebody in between.
            replies = ReplyHeader.SIMPLE;
            contextsOf = null;
        }
    }

    private void structuredReply(OptionData data) throws IOException, InvalidException {
        data.requireEnd();
        if (replies == ReplyHeader.EXTENDED) {
            reply(
                    Option.STRUCTURED_REPLY,
                    OptionReply.ERR_EXT_HEADER_REQD,
                    "extended replies are already negotiated");
            return;
        }
        replies = ReplyHeader.STRUCTURED;
        reply(Option.STRUCTURED_REPLY, OptionReply.ACK);
    }

    private void metaContext(int option, OptionData data) throws IOException, InvalidException {
        boolean sets = option == Option.SET_META_CONTEXT;
        if (sets) {
            contextsOf = null;
        }
        String name = data.readString();
        int queries = data.readInt();
        EnumSet<MetaContext> wanted =
                !sets && queries == 0
                        ? EnumSet.allOf(MetaContext.class)
                        : EnumSet.noneOf(MetaContext.class);
        for (int left = queries; left != 0; left--) {
            String query = data.readString();
            for (MetaContext context : MetaContext.values()) {
                if (sets ? context.isSelectedBy(query) : context.isListedBy(query)) {
                    wanted.add(context);
                }
            }
        }
        data.requireEnd();
        if (sets && replies == ReplyHeader.SIMPLE) {
            throw new InvalidException("structured replies are not negotiated");
        }
        NbdExport export = findOrNull(name);
        if (export == null) {
            reply(option, OptionReply.ERR_UNKNOWN, "no export of that name");
            return;
        }
        wanted.retainAll(export.contexts());
        for (MetaContext context : wanted) {
            byte[] text = context.toString().getBytes(StandardCharsets.UTF_8);
            reply(
                    option,
                    OptionReply.META_CONTEXT,
                    ByteBuffer.allocate(Integer.BYTES + text.length)
                            .putInt(sets ? context.id() : 0)
                            .put(text)
                            .array());
        }
        if (sets) {
            contextsOf = export;
            contexts = List.copyOf(wanted);
        }
        reply(option, OptionReply.ACK);
    }

    private void reply(int option, int type, @Nullable String text) throws IOException {
        reply(option, type, String.valueOf(text).getBytes(StandardCharsets.UTF_8));
    }

    private void reply(int option, int type, byte... data) throws IOException {
        stream.write(
                ByteBuffer.allocate(20 + data.length)
                        .putLong(Magic.OPTION_REPLY)
                        .putInt(option)
                        .putInt(type)
                        .putInt(data.length)
                        .put(data)
                        .array());
    }
}
