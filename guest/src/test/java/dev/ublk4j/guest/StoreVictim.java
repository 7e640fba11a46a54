package dev.ublk4j.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.CheckIndex;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.NIOFSDirectory;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;

/** A program that keeps numbers in a store of the JVM, and leaves a mark when one is durable. */
final class StoreVictim {
    private static final int LENGTH = 3000;

    /** A store, and how it is asked to make something durable. */
    enum Kind {
        MVSTORE {
            @Override
            void write(Path folder, int count) throws Exception {
                try (MVStore store = open(folder)) {
                    MVMap<Integer, String> map = store.openMap("numbers");
                    for (int i = 1; i <= count; i++) {
                        String _ = map.put(i, text(i));
                        // Each third is replaced, so that there is something to give up.
                        String _ = map.put(i / 3, text(i / 3));
                        long _ = store.commit();
                        store.sync();
                        promise(i);
                    }
                }
            }

            @Override
            int read(Path folder) {
                try (MVStore store = open(folder)) {
                    MVMap<Integer, String> map = store.openMap("numbers");
                    int found = 0;
                    while (text(found + 1).equals(map.get(found + 1))) {
                        found++;
                    }
                    return found;
                }
            }

            private MVStore open(Path folder) {
                return new MVStore.Builder()
                        .fileName(folder.resolve("store").toString())
                        .autoCommitDisabled()
                        .open();
            }
        },

        LUCENE {
            @Override
            void write(Path folder, int count) throws Exception {
                try (Directory directory = new NIOFSDirectory(folder);
                        IndexWriter writer =
                                new IndexWriter(
                                        directory, new IndexWriterConfig(new StandardAnalyzer()))) {
                    for (int i = 1; i <= count; i++) {
                        Document document = new Document();
                        document.add(new StringField("number", "" + i, Field.Store.YES));
                        long _ = writer.addDocument(document);
                        long _ = writer.commit();
                        promise(i);
                    }
                }
            }

            @Override
            int read(Path folder) throws Exception {
                try (Directory directory = new NIOFSDirectory(folder)) {
                    if (!DirectoryReader.indexExists(directory)) {
                        return 0;
                    }
                    try (CheckIndex check = new CheckIndex(directory)) {
                        if (!check.checkIndex().clean) {
                            throw new IOException("CheckIndex says that the index is not clean");
                        }
                    }
                    try (DirectoryReader reader = DirectoryReader.open(directory)) {
                        int found = 0;
                        while (reader.docFreq(new Term("number", "" + (found + 1))) > 0) {
                            found++;
                        }
                        return found;
                    }
                }
            }
        };

        abstract void write(Path folder, int count) throws Exception;

        /** {@return up to which number all are there} */
        abstract int read(Path folder) throws Exception;
    }

    private StoreVictim() {}

    private static String text(int number) {
        char[] text = new char[LENGTH];
        Arrays.fill(text, (char) ('a' + number % 26));
        return number + new String(text);
    }

    private static void promise(int number) throws Exception {
        TargetVictim.run("mark", Integer.toString(number));
    }

    /** Uses a store: its kind, the folder of its files, and how many numbers. */
    public static void main(String[] arguments) throws Exception {
        Path folder = Files.createDirectories(Path.of(arguments[1]));
        Kind.valueOf(arguments[0]).write(folder, Integer.parseInt(arguments[2]));
    }
}
