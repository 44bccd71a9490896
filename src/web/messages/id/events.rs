//! What happened, for the owner of an account.

use crate::events::EventKind;

pub(super) fn event(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Registered => "Anda membuat akun ini",
        EventKind::SignedIn => "Anda masuk",
        EventKind::SignInFailed => "Percobaan masuk dengan kata sandi salah",
        EventKind::ReauthenticationFailed => "Kata sandi salah saat mengubah akun",
        EventKind::SignInThrottled => "Percobaan masuk ditolak karena terlalu sering",
        EventKind::PasswordUseThrottled => "Kata sandi yang benar ditolak karena terlalu sering dipakai",
        EventKind::ReauthenticationThrottled => "Perubahan akun ditolak karena terlalu banyak kata sandi salah",
        EventKind::RegistrationThrottled => "Pendaftaran ditolak karena terlalu banyak percobaan",
        EventKind::SignedOut => "Anda keluar",
        EventKind::SessionEnded => "Anda mengakhiri sesi lain",
        EventKind::SessionReplaced => "Sesi yang paling lama tidak aktif diakhiri karena jumlah sesi terlalu banyak",
        EventKind::DevicesForgotten => "Anda melupakan semua browser lain",
        EventKind::SessionExpired => "Sebuah sesi kedaluwarsa",
        EventKind::Reauthenticated => "Anda mengonfirmasi kata sandi",
        EventKind::PasswordChanged => "Anda mengganti kata sandi",
        EventKind::ProfileChanged => "Anda mengubah nama pengguna atau alamat email",
        EventKind::TokenRefused => "Sesi yang tidak valid ditolak",
        EventKind::RefreshTokenReused => "Sesi sebuah program berakhir karena token lamanya digunakan lagi",
        EventKind::CrossOriginRefused => "Formulir dari situs lain ditolak",
        EventKind::FormRefused => "Formulir yang sudah kedaluwarsa ditolak",
        EventKind::RequestRefused => "Permintaan yang tidak bisa dibaca ditolak",
        EventKind::InvitationCreated => "Pengelola membuat undangan",
        EventKind::InvitationRevoked => "Pengelola membatalkan undangan",
        EventKind::InvitationUsed => "Anda mendaftar dengan undangan",
        EventKind::AccountCreated => "Pengelola membuat akun ini",
        EventKind::AccountUnlocked => "Pengelola membuka kunci akun ini",
        EventKind::AccountDisabled => "Pengelola menonaktifkan akun ini",
        EventKind::AccountEnabled => "Pengelola mengaktifkan akun ini",
        EventKind::AccountSignedOut => "Pengelola mengakhiri semua sesi Anda",
        EventKind::RoleAdded => "Pengelola memberi akun ini sebuah peran",
        EventKind::RoleRemoved => "Pengelola mencabut sebuah peran dari akun ini",
        EventKind::ResetLinkCreated => "Pengelola membuat tautan untuk membuat kata sandi baru",
        EventKind::PasswordReset => "Kata sandi baru dibuat dengan tautan",
        EventKind::AccountDeleted => "Anda menghapus akun ini",
    }
}
