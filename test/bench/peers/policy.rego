package talos

default allow := false

allow if {
	input.tool == "send_mail"
	endswith(input.args.to, "@acme.example")
	count(input.args.subject) <= 120
	is_string(input.args.body)
}
