//! Indonesian. Addresses the reader as *Anda*, and has no plural forms (CLDR: `other` only).

mod admin;
mod events;
mod problems;

use std::borrow::Cow;

use ::time::{Month, Time};

use super::Messages;
use crate::{
    accounts::{EmailError, FieldError, Rejection, UsernameError},
    passwords::Weakness,
    throttle::Throttled,
    web::{
        display_time::{Moment, Wait},
        error::Problem,
        flash::Flash,
        user_agent::Browser,
    },
};

pub(super) static MESSAGES: Messages = Messages {
    language_name: "Bahasa Indonesia",
    admin: &admin::MESSAGES,

    error_prefix: "Kesalahan:",
    skip_to_content: "Langsung ke konten utama",
    signed_in_as: "Masuk sebagai",
    your_account: "Akun Anda",
    nav_home: "Beranda",
    nav_account: "Akun",
    nav_password: "Kata sandi",
    nav_sessions: "Sesi",
    nav_activity: "Aktivitas",
    sign_out: "Keluar",
    there_is_a_problem: "Ada yang perlu diperbaiki",
    reauthentication_hint: "Sudah beberapa waktu sejak Anda masuk. Masukkan kata sandi untuk memastikan bahwa ini \
                            memang Anda.",
    request_id: "ID permintaan:",
    go_to_home_page: "Kembali ke beranda",

    username: "Nama pengguna",
    username_hint: "3 sampai 32 karakter: huruf a sampai z, angka, titik, tanda hubung, dan garis bawah.",
    email: "Email",
    email_hint: "Boleh kosong. Anda juga dapat masuk dengannya.",
    username_or_email: "Nama pengguna atau email",
    password: "Kata sandi",
    current_password: "Kata sandi saat ini",
    new_password: "Kata sandi baru",
    confirm_password: "Ulangi kata sandi",
    language: "Bahasa",

    sign_in: "Masuk",
    keep_me_signed_in: "Biarkan saya tetap masuk",
    new_here: "Belum punya akun?",
    create_an_account: "Daftar",
    create_account: "Daftar",
    create_administrator: "Buat pengelola pertama",
    create_administrator_text: "Akun ini mengelola situs: bisa melihat dan mengubah semua akun lain.",
    already_have_an_account: "Sudah punya akun?",

    home: "Beranda",
    your_applications: "Aplikasi Anda",
    member_since: "Terdaftar sejak",
    last_sign_in: "Terakhir masuk",
    first_sign_in: "Ini pertama kalinya Anda masuk.",
    since_then: "Sejak itu",
    see_recent_activity: "Lihat aktivitas terbaru",

    save_changes: "Simpan perubahan",
    save_language: "Simpan bahasa",
    download_your_data: "Unduh data Anda",
    delete_account: "Hapus akun",

    change_your_password: "Ganti kata sandi",
    change_password: "Ganti kata sandi",
    other_sessions_will_end: "Anda akan otomatis keluar dari semua sesi lain.",

    where_you_are_signed_in: "Sesi aktif Anda",
    this_device: "Perangkat ini",
    session_address: "Alamat:",
    session_signed_in: "Masuk:",
    session_last_used: "Terakhir aktif:",
    session_used_at: "Dipakai di:",
    more_sessions: "Sesi lain yang sudah lebih lama tidak aktif tidak ditampilkan di sini.",
    sign_out_of_others: "Keluar dari semua sesi lain",
    no_other_session: "Tidak ada sesi lain yang aktif.",
    known_browsers: "Browser yang dikenal",
    known_browsers_text: "Saat orang lain mencoba menebak kata sandi Anda, Anda tetap bisa masuk dari browser yang \
                          pernah Anda pakai. Jika salah satunya tidak lagi Anda percayai, lupakan semua browser \
                          kecuali yang ini. Semua sesi Anda tetap aktif.",
    forget_known_browsers: "Lupakan browser yang dikenal",

    recent_activity: "Aktivitas terbaru",
    no_activity: "Tidak ada aktivitas untuk ditampilkan.",
    older_activity: "Aktivitas sebelumnya",
    refused_attempts: "Percobaan yang ditolak",
    refused_attempts_text: "Percobaan ini tidak berhasil. Siapa pun yang tahu nama pengguna Anda bisa melakukannya.",
    older_attempts: "Percobaan sebelumnya",
    newest: "Terbaru",
    unknown_activity: "Ada aktivitas yang tidak Anda kenali? Jika Anda mengganti kata sandi, semua sesi lain akan \
                       berakhir.",
    other_activity: "Aktivitas lain",

    set_new_password: "Buat kata sandi baru",
    save_password: "Simpan kata sandi",
    all_sessions_will_end: "Semua sesi Anda akan berakhir. Setelah itu, masuk dengan kata sandi baru.",
    forgotten_password: "Lupa kata sandi",
    forgotten_password_text: "Situs ini tidak mengirim email. Pengelolanya bisa memberi Anda tautan untuk membuat \
                              kata sandi baru. Tautan itu berlaku sekali saja, selama satu jam.",
    contact: "Hubungi:",
    known_browser_text: "Jika Anda masih masuk di perangkat lain, Anda juga bisa mengganti kata sandi di sana, \
                         asalkan Anda tahu kata sandi yang sekarang.",
    forgot_password: "Lupa kata sandi?",

    delete_your_account: "Hapus akun Anda",
    deletion_text: "Akun Anda akan langsung dihapus dan semua sesi Anda berakhir. Tindakan ini tidak bisa \
                    dibatalkan. Untuk sementara waktu, nama pengguna Anda tidak bisa dipakai siapa pun.",
    download_first: "Sebaiknya simpan dulu salinan data Anda.",
    type_username_to_confirm: "Ketik nama pengguna Anda untuk konfirmasi",
    delete_my_account: "Hapus akun saya",

    open_application: "Buka aplikasi",
    you_are_signed_in: "Anda sudah masuk",
    sign_out_everywhere: "Keluar dari semuanya",
    sign_out_everywhere_text: "Anda akan keluar dari sini dan dari semua aplikasi lain di peramban ini.",
    sign_out_here: "Keluar dari sini saja",
    not_signed_in_here: "Anda tidak sedang masuk di sini.",
    you_are_signed_out: "Anda sudah keluar",
    signed_out_everywhere: "Anda sudah keluar dari semua aplikasi di peramban ini.",

    form_rejected: "Formulir tidak diterima",
    fields_rejected: "Ada isian yang perlu diperbaiki.",

    continue_to: |app| format!("Lanjutkan ke {app}"),
    sign_out_of: |app| format!("Keluar dari {app}"),
    sign_out_here_text: |app| format!("{app} melupakan Anda, dan Anda tetap masuk di aplikasi lain."),
    signed_out_here: |app| {
        format!("Anda masih masuk di aplikasi lain. Membuka {app} lagi tidak memerlukan kata sandi.")
    },
    hello: |username| format!("Halo, {username}"),
    failed_attempts: |number| format!("{number} percobaan masuk ke akun Anda gagal."),
    times: |number| format!("({number} kali)"),
    sign_out_of_session: |browser, address| format!("Keluar dari sesi {browser} dengan alamat {address}"),
    client: |browser, address| format!("{browser}, dari {address}"),
    password_hint: |minimum| {
        format!("Minimal {minimum} karakter. Gabungan beberapa kata mudah diingat dan sulit ditebak.")
    },
    browser,
    program,
    moment,
    flash,
    field_error,
    rejection,
    problem: problems::problem,
    event: events::event,
};

fn browser(browser: &Browser) -> String {
    match browser {
        Browser::Program => "Program komputer".to_owned(),
        Browser::Known { name, system: None } => name.to_string(),
        Browser::Known { name, system: Some(system) } => format!("{name} di {system}"),
        Browser::Unknown { system: None } => "Browser tidak dikenal".to_owned(),
        Browser::Unknown { system: Some(system) } => format!("Browser tidak dikenal di {system}"),
    }
}

fn program(name: &str, application: Option<&str>) -> String {
    let name = if name.is_empty() { String::new() } else { format!(" “{name}”") };
    let application = application.map(|name| format!(" untuk {name}")).unwrap_or_default();
    format!("Program{name}{application}")
}

fn moment(moment: Moment) -> String {
    match moment {
        Moment::JustNow => "baru saja".to_owned(),
        Moment::MinutesAgo(minutes) => format!("{minutes} menit yang lalu"),
        Moment::Today(at) => format!("hari ini pukul {}", clock_time(at)),
        Moment::Yesterday(at) => format!("kemarin pukul {}", clock_time(at)),
        Moment::On(day) => format!("{} {} {}", day.day(), month(day.month()), day.year()),
    }
}

/// Hours and minutes are separated by a full stop (Ejaan yang Disempurnakan V, *Tanda Titik*).
fn clock_time(at: Time) -> String {
    format!("{:02}.{:02} UTC", at.hour(), at.minute())
}

fn month(month: Month) -> &'static str {
    match month {
        Month::January => "Januari",
        Month::February => "Februari",
        Month::March => "Maret",
        Month::April => "April",
        Month::May => "Mei",
        Month::June => "Juni",
        Month::July => "Juli",
        Month::August => "Agustus",
        Month::September => "September",
        Month::October => "Oktober",
        Month::November => "November",
        Month::December => "Desember",
    }
}

fn wait(wait: Wait) -> String {
    match wait {
        Wait::Seconds(number) => format!("{number} detik"),
        Wait::Minutes(number) => format!("{number} menit"),
        Wait::Hours(number) => format!("{number} jam"),
    }
}

fn flash(flash: Flash) -> &'static str {
    match flash {
        Flash::Registered => "Akun Anda sudah dibuat dan Anda sudah masuk.",
        Flash::SignedOut => "Anda sudah keluar.",
        Flash::SessionEnded => "Sesi Anda sudah berakhir. Masuk lagi untuk melanjutkan.",
        Flash::PasswordChanged => "Kata sandi Anda sudah diganti. Anda sudah keluar dari semua sesi lain.",
        Flash::ProfileChanged => "Perubahan Anda sudah disimpan.",
        Flash::OtherSessionEnded => "Sesi tersebut sudah diakhiri.",
        Flash::OtherSessionsEnded => "Anda sudah keluar dari semua sesi lain.",
        Flash::AppAdded => "Aplikasi sudah ditambahkan.",
        Flash::AppChanged => "Aplikasi sudah diubah.",
        Flash::AppRemoved => "Aplikasi sudah dihapus.",
        Flash::InvitationRevoked => "Undangan tersebut sudah tidak berlaku.",
        Flash::PasswordReset => "Kata sandi baru Anda sudah disimpan. Masuk dengan kata sandi itu.",
        Flash::DevicesForgotten => "Semua browser lain sudah dilupakan.",
        Flash::AccountDeleted => "Akun Anda sudah dihapus.",
        Flash::AccountChanged => "Akun sudah diubah.",
        Flash::OtherAccountDeleted => "Akun sudah dihapus.",
    }
}

fn field_error(error: FieldError) -> Cow<'static, str> {
    let text = match error {
        FieldError::LoginMissing => "Masukkan nama pengguna atau alamat email Anda.",
        FieldError::Username(UsernameError::Missing) => "Buat nama pengguna.",
        FieldError::Username(UsernameError::Length) => "Nama pengguna harus terdiri dari 3 sampai 32 karakter.",
        FieldError::Username(UsernameError::FirstCharacter) => "Nama pengguna harus diawali huruf atau angka.",
        FieldError::Username(UsernameError::Character) => {
            "Nama pengguna hanya boleh berisi huruf a sampai z, angka, titik, tanda hubung, dan garis bawah."
        }
        FieldError::UsernameTaken => "Nama pengguna ini sudah dipakai. Coba yang lain.",
        FieldError::UsernameReserved => "Nama pengguna ini tidak tersedia. Coba yang lain.",
        FieldError::Email(EmailError::Missing) => "Masukkan alamat email Anda.",
        FieldError::Email(EmailError::TooLong) => "Alamat email maksimal 254 karakter.",
        FieldError::Email(EmailError::Malformed) => "Masukkan alamat email yang valid, misalnya nama@example.org.",
        FieldError::EmailTaken => "Sudah ada akun dengan alamat email ini. Silakan masuk.",
        FieldError::PasswordMissing => "Masukkan kata sandi Anda.",
        FieldError::NewPasswordMissing => "Buat kata sandi.",
        FieldError::PasswordTooLong => "Kata sandi maksimal 256 karakter.",
        FieldError::PasswordWeak(Weakness::TooShort(min)) => {
            return format!("Gunakan minimal {min} karakter. Gabungan beberapa kata juga boleh.").into();
        }
        FieldError::PasswordWeak(Weakness::Personal) => {
            "Kata sandi ini terdiri dari nama Anda, alamat email Anda, atau nama situs ini, yang biasanya dicoba \
             lebih dulu oleh orang lain. Gunakan kata sandi lain."
        }
        FieldError::PasswordWeak(Weakness::Pattern) => {
            "Kata sandi ini berupa pengulangan, atau urutan pada keyboard atau abjad, yang biasanya dicoba lebih \
             dulu oleh orang lain. Gunakan beberapa kata yang tidak saling berhubungan."
        }
        FieldError::PasswordWeak(Weakness::Common) => {
            "Kata sandi ini umum dipakai atau mirip dengan kata sandi umum atau kalimat terkenal, sehingga mudah \
             ditebak. Gunakan beberapa kata yang tidak saling berhubungan."
        }
        FieldError::PasswordUnchanged => "Kata sandi ini sama dengan yang sekarang. Gunakan yang lain.",
        FieldError::ConfirmationMismatch => "Kedua kata sandi tidak sama.",
        FieldError::CurrentPasswordMissing => "Masukkan kata sandi Anda saat ini.",
        FieldError::CurrentPasswordMismatch => "Kata sandi yang Anda masukkan salah.",
        FieldError::Lifetime => "Masukkan jangka waktu seperti 12h (12 jam) atau 7d (7 hari), maksimal 365d.",
        FieldError::DeletionNotConfirmed => "Ketik nama pengguna Anda untuk konfirmasi.",
        FieldError::TargetNotConfirmed => "Ketik nama pengguna akun ini untuk konfirmasi.",
        FieldError::InvitationInvalid => "Undangan ini sudah digunakan atau terlalu lama. Mintalah yang baru.",
        FieldError::ApplicationUnknown => "Tidak ada aplikasi dengan ID ini.",
        FieldError::AppId => {
            "ID terdiri dari 1 sampai 32 huruf a sampai z, angka, atau tanda hubung, dan diawali huruf. “gatehouse” \
             tidak tersedia."
        }
        FieldError::AppName => "Nama terdiri dari 1 sampai 60 karakter yang bisa ditampilkan.",
        FieldError::AppUrl => "Masukkan skema, host, dan port saja, misalnya https://wiki.example.org.",
        FieldError::AppOrigins => "Masukkan alamat asal seperti https://shop.example.org, dipisahkan dengan spasi.",
        FieldError::TokenFormat => "Pilih format token yang memakai rahasia ini.",
        FieldError::SecretTooLong => "Rahasia maksimal 1.024 byte.",
        FieldError::Role => {
            "Peran terdiri dari 1 sampai 32 huruf a sampai z, angka, atau tanda hubung, dan diawali huruf."
        }
    };
    text.into()
}

fn rejection(rejection: &Rejection) -> Cow<'static, str> {
    match rejection {
        Rejection::Invalid(_) => MESSAGES.fields_rejected.into(),
        Rejection::WrongCredentials => "Nama pengguna, email, atau kata sandi salah.".into(),
        Rejection::Throttled(Throttled::RetryAfter(span)) => {
            format!("Terlalu banyak percobaan. Tunggu {}, lalu coba lagi.", wait(Wait::from(*span))).into()
        }
        Rejection::Throttled(Throttled::LockedOut) => {
            "Kata sandi yang salah sudah terlalu sering dimasukkan berturut-turut. Demi keamanan, akun ini tidak \
             menerima kata sandi dari browser ini. Gunakan browser yang pernah dipakai untuk masuk, atau minta \
             pengelola situs ini membuka kunci akun."
                .into()
        }
        Rejection::TooManyRegistrations(span) => format!(
            "Terlalu banyak pendaftaran dari jaringan Anda. Tunggu {}, lalu coba lagi.",
            wait(Wait::from(*span))
        )
        .into(),
        Rejection::Overloaded => {
            "Sedang banyak orang yang mencoba masuk. Data Anda tidak hilang. Tunggu beberapa detik, lalu coba lagi."
                .into()
        }
        Rejection::Conflict => {
            "Ada perubahan lain pada saat yang sama, jadi tidak ada yang disimpan. Periksa isian Anda, lalu coba \
             lagi."
                .into()
        }
        Rejection::NoSuchAccount => "Tidak ada akun dengan nama pengguna atau alamat email ini.".into(),
        Rejection::NotAdministrator => "Anda bukan pengelola lagi.".into(),
        Rejection::LastAdministrator => "Ini pengelola aktif yang terakhir. Jadikan akun lain pengelola dulu.".into(),
        Rejection::LinkInvalid => problems::problem(Problem::LinkInvalid).1.into(),
        Rejection::RegistrationClosed => problems::problem(Problem::RegistrationClosed).1.into(),
        Rejection::InvitationNeeded => problems::problem(Problem::InvitationNeeded).1.into(),
        Rejection::App(rejection) => (MESSAGES.admin.app_rejection)(rejection),
        Rejection::NotAdmitted => problems::problem(Problem::NotAdmitted).1.into(),
    }
}
