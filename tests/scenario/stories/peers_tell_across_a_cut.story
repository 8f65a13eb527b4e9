story: A payer's node never hears the coordinator again: the patient's home passes the certificate on
about: doubt: another participant has the certificate
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
freeze home
settle s1 100.00 of li at care by plan p1
expect s1 PREPARED at east
wait 200ms
cut care from east
thaw home
expect s1 done
expect s1 COMMITTED at home
expect s1 COMMITTED at east within 80s
expect wang has 430.00
heal care and east
