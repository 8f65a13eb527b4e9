story: One message is sent twice in the same moment, as by a client that does not wait: one payment
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

draft s1 100.00 of li at care
send s1
send s1 again
wait 1s
expect everything decided
send s1 again
expect s1 done
expect wang has 430.00
