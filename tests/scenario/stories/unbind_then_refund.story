story: The relation is over when the refund comes: the payer's money comes back, set apart in suspense as his rules say
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
unbind u1 of wang_li by the recipient
expect u1 done
expect binding wang_li ended at east
refund r1 70.00 of s1
expect r1 done
expect wang has 430.00
expect wang has 70.00 in suspense
