package visible

// What mail programs and people write around quotations, in lower case. Sources are the programs themselves, in the languages that they
// come in.

var (
	// attributionOpeners begin the lines above quotations that have a date or a time: the words before a date, and days of the week.
	attributionOpeners = []string{
		"on ", "at ", "am ", "le ", "el ", "il ", "em ", "no dia ", "op ", "w dniu ", "dnia ", "den ", "dne ", "dňa ", "vào ", "lúc ", "pe ", "în ", "la ",
		"на ", "в ", "у ", "στις ", "ב", "في ", "pada ", "tanggal ", "dana ", "in a message dated ", "quoting ", "à ", "från ", "në ",
		"mon", "tue", "wed", "thu", "fri", "sat", "sun", "mo", "di", "mi", "do", "fr", "sa", "so", "lun", "mar", "mer", "jeu", "ven", "sam", "dim",
		"пн", "вт", "ср", "чт", "пт", "сб", "вс", "pon", "wt", "śr", "czw", "pt", "sob", "niedz", "ma", "ti", "ke", "to", "la", "su",
		"ons", "tor", "tir", "lør", "søn", "út", "st", "čt", "pá", "ne", "в", "在", "于", "於",
	}
	// verbsAtEnd end attributions, before a colon.
	verbsAtEnd = []string{
		"wrote", "writes", "has written",
		"schrieb", "geschrieben", "schreibt", "schrieb folgendes", "a écrit", "a ecrit", "écrivait", "escribió", "escribio", "ha scritto", "scrisse",
		"scriveva", "escreveu", "schreef", "het volgende geschreven", "napisał", "napisała", "napisał(a)", "pisze",
		"skrev", "skrev følgende", "kirjoitti", "napsal", "napsala", "napsal(a)", "napísal", "napísal(a)", "yazdı", "şunu yazdı", "şunları yazdı",
		"đã viết", "viết", "написал", "написала", "написал(а)", "пишет", "писал", "писал(а)", "написав", "написала(в)", "пише",
		"a scris", "írta", "ezt írta", "έγραψε", "كتب", "כתב", "menulis", "rašė", "kirjutas", "je napisao", "je napisal/a", "je napisao/la", "написа",
		"va escriure", "idatzi du", "escribiu", "napisao je", "napisala je", "је написао", "је написао/ла", "rakstīja", "skrifaði", "geskryf",
		"เขียนว่า", "ने लिखा", "লিখেছেন", "نوشت", "نوشته است",
		"님이 작성", "작성", "님이 썼습니다", "썼습니다", "쓴 글", "님이 쓴 글", "님의 말", "님이 보낸 글", "작성한 글", "작성하였습니다",
		"작성했습니다", "작성하신 글",
		"写道", "寫道", "写到", "書きました", "のメール", "さんは書きました", "wrote the following", "のメッセージ", "さんの書いたもの",
	}
	// verbsWithin stand in the middle of attributions, before the name of who wrote.
	verbsWithin = []string{
		" schrieb ", " schreef ", " skrev ", " wrote ", " escribió ", " a écrit ", " escreveu ", " ha scritto ", " napsal", " napisał", " pisze",
		" написал ", " пишет ", " kirjoitti ", " tarihinde ", " đã viết ", " пользователь ", " writes ", " ezt írta ", " kirjutas ", " del dia ",
	}
	// verbsWithoutColon end attributions all by themselves.
	verbsWithoutColon = []string{"님이 작성", "님이 쓴 글", "さんは書きました", "wrote", "a écrit", "написал"}

	// originalMarks stand between dashes above the mail that is answered.
	originalMarks = []string{
		"original message", "original email", "original mail", "reply message", "original", "originalmessage",
		"ursprüngliche nachricht", "ursprungliche nachricht", "originalnachricht", "original-nachricht", "ursprüngliche mail", "original-mail",
		"message d'origine", "message d’origine", "message original", "message initial", "mensaje original", "correo original", "messaggio originale",
		"messaggio original", "mensagem original",
		"oorspronkelijk bericht", "origineel bericht", "oorspronkelijke bericht", "wiadomość oryginalna", "oryginalna wiadomość",
		"wiadomosc oryginalna", "oryginalny e-mail",
		"исходное сообщение", "оригинальное сообщение", "исходное письмо", "оригінальне повідомлення", "ursprungligt meddelande",
		"originalmeddelande", "ursprungligt mail", "oprindelig meddelelse", "original meddelelse", "oprindelig besked",
		"opprinnelig melding", "original melding", "alkuperäinen viesti", "původní zpráva", "původní e-mail", "pôvodná správa", "orijinal mesaj",
		"özgün ileti", "orjinal mesaj", "orijinal ileti", "thư gốc", "tin nhắn gốc", "tin nhắn ban đầu",
		"mesaj original", "mesajul original", "eredeti üzenet", "αρχικό μήνυμα", "الرسالة الأصلية", "הודעה מקורית", "pesan asli", "izvorna poruka",
		"originalna poruka",
		"원본 메일", "원본메일", "원본 메시지", "원본메시지", "원본 메세지", "원본메세지", "원문", "원본 이메일", "받은 메일", "元のメッセージ",
		"オリジナルメッセージ", "元のメール", "original message ", "原始邮件", "原始郵件", "原邮件", "原郵件", "邮件原文", "原始邮件信息", "原始讯息",
		"原始訊息", "回复的原邮件", "回复的邮件",
	}
	// forwardMarks stand between dashes above a mail that is forwarded.
	forwardMarks = []string{
		"forwarded message", "forwarded mail", "forwarded email", "forwarded by", "forward header", "weitergeleitete nachricht",
		"weitergeleitete mail", "message transféré", "message transmis", "courriel transféré", "mensaje reenviado", "messaggio inoltrato",
		"mensagem encaminhada", "mensagem reencaminhada", "doorgestuurd bericht", "doorgestuurd", "przekazana wiadomość", "przesłana wiadomość",
		"treść przekazanej wiadomości", "пересылаемое сообщение", "пересланное сообщение", "перенаправленное сообщение", "переслане повідомлення",
		"vidarebefordrat meddelande", "vidarebefordrat mail",
		"videresendt meddelelse", "videresendt besked", "videresendt melding", "edelleenlähetetty viesti", "välitetty viesti", "přeposlaná zpráva",
		"preposlaná správa", "iletilmiş mesaj", "iletilen mesaj", "yönlendirilen ileti", "thư đã chuyển tiếp", "thư được chuyển tiếp",
		"mesaj redirecționat", "továbbított üzenet",
		"전달된 메일", "전달된 메시지", "전달된 메세지", "전달 메시지", "전달한 메일", "転送メッセージ", "転送されたメッセージ", "転送メール",
		"转发的邮件", "转发邮件", "轉寄郵件", "轉寄的郵件", "转发邮件信息", "轉寄訊息",
	}
	// forwardLines end a line that announces a forwarded mail without dashes.
	forwardLines = []string{
		"begin forwarded message", "anfang der weitergeleiteten nachricht", "début du message réexpédié", "début du message transféré",
		"inicio del mensaje reenviado", "inizio messaggio inoltrato", "início da mensagem encaminhada", "início da mensagem reencaminhada",
		"begin doorgestuurd bericht", "начало переадресованного сообщения", "전달된 메시지 시작", "전달된 메시지", "転送されたメッセージ",
		"以下は、転送されたメッセージです",
		"下面是被转发的邮件", "开始转发的邮件", "vidarebefordrat brev", "start på videresendt besked", "videresendt melding",
	}
	// forwardPrefixes begin the subjects of mails that are forwarded.
	forwardPrefixes = []string{
		"fw", "fwd", "wg", "tr", "rv", "enc", "i", "doorst", "pd", "vb", "vl", "vidarebefordrat", "videresend", "ilt", "전달", "転送",
		"转发", "轉寄", "转寄", "пер", "пересл", "forward",
	}

	// headerNames are the names of the fields in the headers that programs write above quotations.
	headerNames = headerTable(map[int][]string{
		headerFrom: {
			"from", "sender", "von", "absender", "de", "expéditeur", "da", "mittente", "remitente", "remetente", "van", "afzender", "od", "nadawca",
			"от", "от кого", "отправитель", "від", "från", "avsändare", "fra", "avsender", "afsender", "lähettäjä", "odesílatel", "odosielateľ",
			"gönderen", "kimden", "từ", "người gửi", "de la", "feladó", "από", "من", "מאת", "dari", "šalje",
			"보낸 사람", "보낸사람", "보낸이", "보낸 이", "발신", "발신자", "발신인", "보내는 사람", "差出人", "送信者", "送信元", "发件人", "寄件者",
			"寄件人", "發件人", "发送人", "发自",
		},
		headerDate: {
			"date", "sent", "received", "date sent", "sent at", "sent on", "datum", "gesendet", "gesendet am", "datum/zeit", "envoyé", "envoyé le",
			"envoyé à", "date d'envoi", "enviado", "enviado el", "enviado a las", "fecha", "enviada", "enviada em", "enviado em", "enviada a", "data",
			"inviato", "data invio", "verzonden", "verstuurd", "wysłano", "wysłane", "data wysłania",
			"отправлено", "дата", "дата отправки", "отправлен", "надіслано", "skickat", "skickad", "datum skickat", "sendt", "dato", "sendt dato",
			"lähetetty", "päivämäärä", "päiväys", "odesláno", "odoslané", "dátum", "gönderildi", "gönderme tarihi", "gönderim", "tarih", "đã gửi",
			"ngày gửi", "ngày", "gửi lúc", "gửi", "trimis", "elküldve", "dátum", "ημερομηνία", "εστάλη", "التاريخ", "נשלח", "tanggal", "terkirim",
			"날짜", "보낸 날짜", "보낸날짜", "보낸 시간", "보낸시간", "보낸 일시", "보낸일시", "발송일", "발송일시", "일시", "받은 날짜", "받은날짜",
			"送信日時", "日時", "日付", "受信日時", "送信日", "发送时间", "发送日期", "日期", "寄件日期", "時間", "时间", "傳送時間", "發送時間",
			"已发送", "傳送日期",
		},
		headerTo: {
			"to", "an", "empfänger", "à", "a", "destinataire", "para", "destinatario", "destinatário", "aan", "ontvanger", "do", "adresat", "кому",
			"получатель", "till", "mottagare", "til", "modtager", "mottaker", "vastaanottaja", "kenelle", "komu", "adresát", "kime", "alıcı", "tới",
			"đến", "người nhận", "către", "címzett", "προς", "إلى", "אל", "kepada", "pre", "za",
			"받는 사람", "받는사람", "받은 사람", "받은사람", "받는이", "받는 이", "수신", "수신자", "수신인", "宛先", "收件人", "收件者", "受信者",
		},
		headerSubject: {
			"subject", "betreff", "objet", "sujet", "asunto", "oggetto", "assunto", "onderwerp", "temat", "тема", "ämne", "emne", "aihe", "předmět",
			"predmet", "konu", "chủ đề", "tiêu đề", "subiect", "tárgy", "θέμα", "الموضوع", "נושא", "subjek", "perihal", "re",
			"제목", "件名", "主题", "主題", "主旨", "标题", "標題", "题目",
		},
		headerCc: {
			"cc", "bcc", "kopie", "kopie an", "copie à", "copie", "copia", "dw", "kopia", "kopi", "копия", "kopio", "bilgi", "reply-to", "antwort an",
			"importance", "wichtigkeit", "priority", "attachments", "anlagen", "organization",
			"참조", "숨은 참조", "숨은참조", "첨부", "첨부파일", "抄送", "副本", "密送", "附件",
		},
	})

	// devicePhrases are what telephones and programs put at the end of mails.
	devicePhrases = []string{
		"sent from my ", "sent from a ", "sent from mail for ", "sent from outlook", "sent from yahoo", "sent from windows", "sent from samsung",
		"sent from the ", "sent from gmail", "sent from proton", "sent from iphone", "sent from ipad", "sent from android", "sent via ", "sent with ",
		"sent using ", "sent on the ", "get outlook for ", "get mail for ", "envoyé de mon ", "envoyé depuis ", "envoyé à partir",
		"télécharger outlook",
		"von meinem ", "gesendet mit ", "gesendet von ", "gesendet über", "gesendet aus", "diese nachricht wurde von meinem",
		"holen sie sich outlook", "outlook für ", "enviado desde ", "enviado do meu ", "enviado do ", "enviado via ", "enviado de mi ",
		"obtener outlook", "obter o outlook", "inviato da ", "inviato dal ", "scarica outlook", "ottieni outlook",
		"verstuurd vanaf ", "verzonden vanaf ", "verzonden met ", "outlook voor ", "wysłane z ", "wysłano z ", "pobierz aplikację outlook",
		"отправлено с ", "отправлено из ", "надіслано з", "skickat från ", "skickades från", "hämta outlook", "sendt fra ", "hent outlook",
		"lähetetty ", "hanki outlook", "odesláno z", "odoslané z", "đã gửi từ ", "được gửi từ ", "trimis de pe", "εστάλη από",
		"发自我的", "发自我", "從我的", "从我的", "傳送自", "寄自我的", "發自我的", "获取 outlook", "发送自", "來自我的", "enviado a partir",
	}
	// deviceEndings end such lines.
	deviceEndings = []string{
		"에서 보냄", "에서 보냈습니다", "에서 보낸 메일", "에서 보낸 메일입니다", "에서 전송됨", "에서 발송됨", "에서 보낸 이메일", "から送信",
		"から送信されました", "より送信", " gesendet", " gönderildi", "dan gönderildi", "den gönderildi", "发送", "傳送", "용 outlook 다운로드",
		"outlook을 받으세요", "를 이용해 보냈습니다", "outlook を入手",
	}
	// closings are the words before a name at the end.
	closings = []string{
		"thanks", "thank you", "many thanks", "thanks again", "thx", "cheers", "regards", "best regards", "kind regards", "warm regards",
		"best wishes", "best", "all the best", "sincerely", "yours sincerely", "sincerely yours", "yours truly", "yours faithfully", "yours",
		"with regards", "with best regards", "respectfully", "cordially", "love", "take care", "br", "rgds",
		"mit freundlichen grüßen", "mit freundlichen gruessen", "mit freundlichem gruß", "freundliche grüße", "viele grüße", "liebe grüße",
		"beste grüße", "schöne grüße", "herzliche grüße", "gruß", "grüße", "vg", "lg", "mfg", "danke", "vielen dank", "cordialement",
		"bien cordialement", "sincères salutations", "salutations", "bien à vous", "merci", "amicalement",
		"saludos", "un saludo", "saludos cordiales", "atentamente", "gracias", "muchas gracias", "cordiali saluti", "distinti saluti", "saluti",
		"grazie", "un saluto", "atenciosamente", "obrigado", "obrigada", "att", "abraços", "cumprimentos", "com os melhores cumprimentos",
		"met vriendelijke groet", "met vriendelijke groeten", "groeten", "groet", "vriendelijke groet", "mvg", "bedankt", "pozdrawiam",
		"z poważaniem", "dziękuję", "с уважением", "спасибо", "с наилучшими пожеланиями", "з повагою", "med vänlig hälsning",
		"med vänliga hälsningar", "vänliga hälsningar", "hälsningar", "mvh", "med venlig hilsen", "venlig hilsen", "med vennlig hilsen",
		"vennlig hilsen", "hilsen",
		"ystävällisin terveisin", "terveisin", "t.", "s pozdravem", "s pozdravom", "děkuji", "saygılarımla", "teşekkürler", "iyi çalışmalar",
		"trân trọng", "cảm ơn", "xin cảm ơn", "cu stima", "cu respect", "üdvözlettel", "με εκτίμηση",
		"감사합니다", "고맙습니다", "감사드립니다", "드림", "배상", "올림", "수고하세요", "よろしくお願いします", "よろしくお願いいたします",
		"宜しくお願いします", "以上", "敬具", "此致", "敬礼", "谢谢", "謝謝", "顺祝商祺", "祝好", "此致敬礼",
	}
)

// headerTable turns the lists of names around.
func headerTable(lists map[int][]string) map[string]int {
	table := map[string]int{}
	for kind, names := range lists {
		for _, name := range names {
			table[name] = kind
		}
	}
	return table
}
