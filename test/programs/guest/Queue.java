// SPDX-License-Identifier: GPL-2.0-only
import java.io.*;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;

/** What kmsgq-programs(7) says of Java: Queue HOW FILE. Prints what it reads. */
public class Queue {
	private static void show(byte[] data, int length) {
		System.out.println(new String(data, 0, Math.max(length, 0),
				StandardCharsets.UTF_8));
	}

	private static void first(InputStream in) throws IOException {
		byte[] data = new byte[1 << 20];
		show(data, in.read(data));
	}

	public static void main(String[] args) throws IOException {
		Path path = Path.of(args[1]);
		byte[] data = new byte[1 << 20];
		switch (args[0]) {
		case "System.in" -> first(System.in);
		case "System.in.readAllBytes" -> {
			byte[] all = System.in.readAllBytes();
			show(all, all.length);
		}
		case "BufferedInputStream" -> first(new BufferedInputStream(
				new FileInputStream(args[1])));
		case "Files.newInputStream" -> first(Files.newInputStream(path));
		case "Files.newInputStream.readAllBytes" -> {
			byte[] all = Files.newInputStream(path).readAllBytes();
			show(all, all.length);
		}
		case "Files.readAllBytes" -> {
			byte[] all = Files.readAllBytes(path);
			show(all, all.length);
		}
		case "FileInputStream" -> first(new FileInputStream(args[1]));
		case "FileInputStream.readAllBytes" -> {
			byte[] all = new FileInputStream(args[1]).readAllBytes();
			show(all, all.length);
		}
		case "FileChannel" -> {
			ByteBuffer buffer = ByteBuffer.wrap(data);
			show(data, FileChannel.open(path).read(buffer));
		}
		case "Files.readString" -> System.out.println(Files.readString(path));
		case "FileReader" -> System.out.println(
				new BufferedReader(new FileReader(args[1])).readLine());
		case "Files.writeString" -> Files.writeString(path,
				args[2].repeat(Integer.parseInt(args[3])),
				StandardOpenOption.WRITE);
		case "FileOutputStream" -> new FileOutputStream(args[1]).write(
				args[2].repeat(Integer.parseInt(args[3])).getBytes());
		case "PrintWriter" -> {
			PrintWriter out = new PrintWriter(new FileWriter(args[1]), true);
			out.println(args[2].repeat(Integer.parseInt(args[3])));
			System.exit(out.checkError() ? 1 : 0);
		}
		case "PrintStream" -> System.out.println(
				args[2].repeat(Integer.parseInt(args[3])));
		default -> System.exit(2);
		}
	}
}
