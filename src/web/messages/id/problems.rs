//! Why a request is not served.

use crate::web::error::{Problem, TokenProblem};

#[expect(clippy::too_many_lines, reason = "one text for each problem")]
pub(super) fn problem(problem: Problem) -> (&'static str, &'static str) {
    match problem {
        Problem::Malformed => (
            "Permintaan tidak bisa dibaca",
            "Sebagian data dari browser Anda tidak bisa dibaca. Kembali ke halaman sebelumnya, muat ulang, lalu coba \
             lagi.",
        ),
        Problem::Unauthenticated => ("Anda belum masuk", "Masuk dulu, lalu coba lagi."),
        Problem::MisdirectedRequest => (
            "Alamat situs tidak sesuai",
            "Alamat di browser Anda bukan alamat yang dipakai situs ini. Buka situs ini melalui alamat yang benar, \
             atau tanyakan kepada pengelolanya.",
        ),
        Problem::CrossOrigin => (
            "Formulir berasal dari situs lain",
            "Demi keamanan Anda, situs ini hanya menerima formulir dari halamannya sendiri. Buka halamannya di sini, \
             lalu coba lagi.",
        ),
        Problem::InvalidCsrfToken => (
            "Formulir ini sudah kedaluwarsa",
            "Mungkin Anda masuk lagi di jendela lain setelah membuka halaman ini. Kembali ke halaman sebelumnya, \
             muat ulang, lalu coba lagi.",
        ),
        Problem::RegistrationClosed => (
            "Pendaftaran ditutup",
            "Saat ini Anda tidak bisa mendaftar di sini. Jika memerlukan akun, tanyakan kepada pengelola situs ini.",
        ),
        Problem::InvitationNeeded => (
            "Pendaftaran dengan undangan",
            "Anda memerlukan undangan untuk mendaftar di sini. Mintalah undangan kepada pengelola situs ini.",
        ),
        Problem::NotFound => {
            ("Halaman tidak ditemukan", "Mungkin alamatnya salah ketik, atau halamannya sudah dihapus.")
        }
        Problem::MethodNotAllowed(_) => {
            ("Permintaan tidak didukung", "Halaman ini tidak menerima permintaan seperti ini.")
        }
        Problem::RequestTimeout => (
            "Permintaan terlalu lama",
            "Data dari browser Anda tidak sampai tepat waktu. Periksa koneksi internet Anda, lalu coba lagi.",
        ),
        Problem::PayloadTooLarge => (
            "Permintaan terlalu besar",
            "Data dari browser Anda lebih besar daripada yang diterima situs ini. Tidak ada yang disimpan.",
        ),
        Problem::UnsupportedMediaType => {
            ("Permintaan ini bukan formulir", "Alamat ini hanya menerima formulir seperti yang dikirim browser.")
        }
        Problem::MalformedJson => (
            "Permintaan tidak dapat dibaca",
            "Isinya harus satu objek JSON dengan anggota yang diterima alamat ini, masing-masing satu kali.",
        ),
        Problem::NotJson => {
            ("Permintaan bukan JSON", "Kirim isinya sebagai JSON, dengan header Content-Type: application/json.")
        }
        Problem::Token(TokenProblem::Missing) => {
            ("Token diperlukan", "Kirim token dalam header Authorization: Bearer.")
        }
        Problem::Token(TokenProblem::Expired) => {
            ("Token sudah kedaluwarsa", "Dapatkan yang baru dengan token penyegaran.")
        }
        Problem::Token(TokenProblem::Invalid) => {
            ("Token tidak valid", "Token tidak diterbitkan oleh server ini, atau untuk keperluan lain.")
        }
        Problem::Token(TokenProblem::Revoked) => ("Sesi telah berakhir", "Silakan masuk lagi."),
        Problem::NotAdmitted => {
            ("Anda tidak boleh menggunakan aplikasi ini", "Akun Anda tidak memiliki peran yang diminta aplikasi ini.")
        }
        Problem::NoSuchApp => (
            "Tidak ada aplikasi di sini",
            "Proksi balik meminta aplikasi atau peran yang tidak ada. Pengelolanya dapat memperbaikinya.",
        ),
        Problem::HandoverInvalid => (
            "Masuk ke aplikasi tidak berhasil",
            "Prosesnya terlalu lama, dimulai di peramban lain, atau sudah selesai sebelumnya. Buka lagi aplikasinya.",
        ),
        Problem::HandoverLoop => (
            "Masuk ke aplikasi tidak kunjung selesai",
            "Peramban Anda dikirim bolak-balik, tetapi aplikasi masih belum mengenali Anda. Mungkin kuki ditolak; \
             izinkan kuki untuk situs ini. Jika bukan itu, pengelola perlu memeriksa proksi balik.",
        ),
        Problem::FormWithoutSession => (
            "Formulir Anda tidak terkirim",
            "Sesi Anda sudah berakhir ketika formulir dikirim. Masuklah, kembali ke formulir di peramban Anda, lalu \
             kirim lagi.",
        ),
        Problem::ExportRunning => (
            "Data Anda sedang diunduh",
            "Tunggu sampai unduhan yang lain selesai, atau batalkan unduhan itu, lalu coba lagi.",
        ),
        Problem::LinkInvalid => (
            "Tautan ini tidak berlaku",
            "Mungkin sudah dipakai, sudah terlalu lama, atau ada tautan yang lebih baru. Mintalah tautan baru kepada \
             pengelola situs ini.",
        ),
        Problem::Internal => (
            "Terjadi kesalahan",
            "Kesalahan ini ada di pihak kami dan sudah dicatat. Coba lagi. Jika terjadi lagi, kirimkan ID permintaan \
             di bawah ini kepada pengelola situs ini.",
        ),
        Problem::Unavailable => {
            ("Situs sedang tidak dapat diakses", "Data Anda tidak hilang. Tunggu beberapa detik, lalu coba lagi.")
        }
        Problem::Other(_) => ("Permintaan tidak berhasil", "Kembali ke halaman sebelumnya, lalu coba lagi."),
    }
}
