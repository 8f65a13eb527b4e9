story: Every message to and from a payer's node takes 300 ms: it is waited for, and everything comes out
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

delay every message from care to east by 300ms
delay every message from east to care by 300ms
settle s1 100.00 of li at care
expect s1 done
expect s1 paid by li 30.00, wang 70.00
expect wang has 430.00
expect everything decided
